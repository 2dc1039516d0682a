// SPDX-License-Identifier: Apache-2.0
//
// Figures that a person can read: a rate over the last seconds, and a value that does not flicker.

/** Events per second over a sliding window. Times are milliseconds of one monotonic clock. */
export class Rate {
  #times: number[] = [];

  constructor(private readonly windowMs = 2000) {}

  add(now: number): void {
    this.#times.push(now);
    this.#forget(now);
  }

  /** 0 until two events lie in the window. Falls when events stop coming. */
  perSecond(now: number): number {
    this.#forget(now);
    const first = this.#times[0];
    const last = this.#times.at(-1);
    if (first === undefined || last === undefined || last === first) return 0;
    // The time since the last event counts only once it is longer than the usual gap.
    const gap = (last - first) / (this.#times.length - 1);
    const span = Math.max(last, now - gap) - first;
    return ((this.#times.length - 1) * 1000) / span;
  }

  clear(): void {
    this.#times = [];
  }

  #forget(now: number): void {
    const oldest = now - this.windowMs;
    const keep = this.#times.findIndex((time) => time >= oldest);
    this.#times = keep < 0 ? [] : this.#times.slice(keep);
  }
}

/** Exponential smoothing by time, so that the reading does not depend on the frame rate. */
export class Smoothed {
  #value: number | null = null;
  #at = 0;

  constructor(private readonly halfLifeMs = 500) {}

  add(value: number, now: number): number {
    if (this.#value === null) {
      this.#value = value;
    } else {
      const weight = 1 - 0.5 ** (Math.max(0, now - this.#at) / this.halfLifeMs);
      this.#value += (value - this.#value) * weight;
    }
    this.#at = now;
    return this.#value;
  }

  get value(): number | null {
    return this.#value;
  }

  clear(): void {
    this.#value = null;
  }
}
