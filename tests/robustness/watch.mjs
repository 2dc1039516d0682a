// SPDX-License-Identifier: Apache-2.0
//
// What a server may cost after an attack: as many descriptors as before, and hardly more memory.
import assert from 'node:assert/strict';
import { eventually } from '../server.mjs';

export class Watch {
  /** Takes the measure now; call it after a first round has filled pools and caches. */
  constructor(server) {
    this.server = server;
    this.descriptors = server.descriptors();
    this.residentMb = server.residentMb();
  }

  /** Descriptors close when calls that nobody waits for have ended: given time on a loaded machine. */
  async unharmed({ moreMb = 48, moreDescriptors = 4 } = {}) {
    const { server } = this;
    assert.ok(server.running, `the server ended. It wrote:\n${server.output}`);
    const health = await fetch(`${server.url}/healthz`);
    assert.equal(health.status, 200);
    await health.text();
    await eventually(() => {
      const now = server.descriptors();
      if (now > this.descriptors + moreDescriptors)
        throw new Error(`${now} open descriptors, ${this.descriptors} before`);
      return true;
    }, 60_000);
    const grown = server.residentMb() - this.residentMb;
    assert.ok(grown <= moreMb, `resident memory grew by ${grown.toFixed(1)} MB`);
    return grown;
  }
}

/** Reproducible noise: the same seed gives the same bytes. */
export class Noise {
  #state;

  constructor(seed) {
    this.#state = seed >>> 0 || 1;
  }

  next() {
    // xorshift32
    this.#state ^= this.#state << 13;
    this.#state ^= this.#state >>> 17;
    this.#state ^= this.#state << 5;
    return (this.#state >>>= 0);
  }

  below(limit) {
    return this.next() % limit;
  }

  bytes(length) {
    const out = Buffer.alloc(length);
    for (let i = 0; i < length; i++) out[i] = this.next() >>> 24;
    return out;
  }
}
