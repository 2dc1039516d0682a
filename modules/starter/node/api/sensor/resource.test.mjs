// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { after, before, it } from 'node:test';
import { fromValue, toStruct } from './module.mjs';
import { RunningModule } from './testing.mjs';

let module;
before(async () => (module = await RunningModule.start()));
after(() => module?.stop());

it('counts in steps, and from 0 after a reset', async () => {
  await module.add({ step: 2 });
  await module.call('GetReadings');
  assert.equal(fromValue((await module.call('GetReadings')).readings.count), 4);
  await module.call('DoCommand', { command: toStruct({ reset: true }) });
  assert.equal(fromValue((await module.call('GetReadings')).readings.count), 2);
});

it('refuses wrong attributes', async () => {
  await assert.rejects(module.validate({ step: 'two' }), /"step" must be a number/);
});
