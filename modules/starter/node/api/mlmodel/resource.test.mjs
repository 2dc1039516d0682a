// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { after, before, it } from 'node:test';
import { RunningModule } from './testing.mjs';

let module;
before(async () => (module = await RunningModule.start()));
after(() => module?.stop());

it('multiplies, and names its tensors', async () => {
  await module.add({ factor: 3 });
  const { metadata } = await module.call('Metadata');
  assert.equal(metadata.inputInfo[0].name, 'x');
  const answer = await module.call('Infer', { inputTensors: { tensors: { x: { shape: [2], floatTensor: { data: [1, 2] } } } } });
  assert.deepEqual(answer.outputTensors.tensors.y.floatTensor.data, [3, 6]);
});

it('refuses other tensors, and wrong attributes', async () => {
  await module.add({});
  await assert.rejects(module.call('Infer', {}), /"x" of float32 is missing/);
  await assert.rejects(module.validate({ factor: 'x' }), /"factor" must be a number/);
});
