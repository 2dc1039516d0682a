// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { after, before, it } from 'node:test';
import { fromStruct, toStruct } from './module.mjs';
import { RunningModule } from './testing.mjs';

let module;
before(async () => (module = await RunningModule.start()));
after(() => module?.stop());

it('adds what it is told to', async () => {
  await module.add({ offset: 10 });
  const { result } = await module.call('DoCommand', { command: toStruct({ add: [1, 2] }) });
  assert.equal(fromStruct(result).sum, 13);
});

it('refuses other commands, and wrong attributes', async () => {
  await module.add({});
  await assert.rejects(module.call('DoCommand', { command: toStruct({ add: 'x' }) }), /the command must be/);
  await assert.rejects(module.validate({ offset: 'x' }), /"offset" must be a number/);
});
