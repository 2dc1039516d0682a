// SPDX-License-Identifier: Apache-2.0
//
// A client that uploads pictures of its own, each until it is acknowledged: over the same connection
// or a new one, as often as it takes.
import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import { sha256 } from './captured.mjs';

const MAX_BYTES = 100_000;

export class Uploader {
  /** `hub`: of connectHub; `next`: random numbers of 0 to 1; `component`: whose pictures they are. */
  constructor(hub, next, component = 'uploader') {
    Object.assign(this, { hub, next, component });
    // `errors`: how often each code came, and what it said last.
    Object.assign(this, { acknowledged: new Map(), retries: 0, errors: new Map(), stopped: false });
    this.lastError = new Map();
  }

  async run() {
    for (let number = 0; !this.stopped; number += 1) {
      const size = 1 + Math.floor(this.next() * MAX_BYTES);
      const bytes = new Uint8Array(size).map((_, i) => (i * 31 + number * 7 + (i >> 8)) & 255);
      await this.upload(number, bytes);
      await sleep(10);
    }
  }

  async upload(number, bytes) {
    const time = new Date(1_700_000_000_000 + number * 1000);
    for (;;) {
      try {
        const id = await this.hub.data.binaryDataCaptureUpload(
          bytes, this.hub.partId, 'rdk:component:camera', this.component, 'ReadImage', '.bin', [time, time]);
        const known = this.acknowledged.get(id);
        assert.equal(known, undefined, `${id} was given to two uploads`);
        this.acknowledged.set(id, sha256(bytes));
        return;
      } catch (error) {
        if (error instanceof assert.AssertionError) throw error;
        this.retries += 1;
        this.errors.set(error.code, (this.errors.get(error.code) ?? 0) + 1);
        this.lastError.set(error.code, error.message);
        await sleep(20);
      }
    }
  }
}
