// SPDX-License-Identifier: Apache-2.0
//
// Which frames of a camera are kept: those around a trigger. Knows no clock; times are given, in
// milliseconds. A frame is {time, images: [{image, ...}]}.

const bytesOf = (frame) => frame.images.reduce((sum, { image }) => sum + image.length, 0);

export class Window {
  #past = []; // frames of the last `before` seconds, oldest first
  #due = []; // frames that are to be stored, oldest first
  #open = -Infinity; // until then, frames are due as they come
  #rest = -Infinity; // until then, nothing triggers

  /** Seconds; maxBytes of each of the two lists: where it is full, the oldest go. */
  constructor({ before, after, cooldown, maxBytes }) {
    this.before = before * 1000;
    this.after = after * 1000;
    this.cooldown = cooldown * 1000;
    this.maxBytes = maxBytes;
    this.dropped = 0;
  }

  #push(list, frame) {
    list.push(frame);
    for (let bytes = list.reduce((sum, one) => sum + bytesOf(one), 0); bytes > this.maxBytes && list.length > 1; ) {
      bytes -= bytesOf(list.shift());
      if (list === this.#due) this.dropped += 1;
    }
  }

  /** A frame as it goes by. */
  add(frame) {
    if (frame.time <= this.#open) this.#push(this.#due, frame);
    else this.#push(this.#past, frame);
    while (this.#past.length > 0 && this.#past[0].time < frame.time - this.before) this.#past.shift();
  }

  /** False while triggers are suppressed. */
  listens(time) {
    return time >= this.#rest;
  }

  /** What came before `frame` is due, it itself, and what comes after. */
  trigger(frame) {
    const past = this.#past.filter(({ time }) => time >= frame.time - this.before && time < frame.time);
    this.#past = [];
    for (const one of past) this.#push(this.#due, one);
    this.#push(this.#due, frame);
    this.#open = frame.time + this.after;
    this.#rest = this.cooldown > 0 ? this.#open + this.cooldown : -Infinity;
  }

  /** Due frames, oldest first, of `maxBytes` together (but one at least); they are taken out. */
  take(maxBytes, maxFrames = Infinity) {
    this.#due.sort((a, b) => a.time - b.time);
    let count = 0;
    for (let bytes = 0; count < this.#due.length && count < maxFrames; ++count) {
      bytes += bytesOf(this.#due[count]);
      if (count > 0 && bytes > maxBytes) break;
    }
    return this.#due.splice(0, count);
  }
}
