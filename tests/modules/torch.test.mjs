// SPDX-License-Identifier: Apache-2.0
//
// The module torch, from its archive, on TorchScript files that are written for it.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, describe, it } from 'node:test';
import { dial, sdk } from '../conformance/clients.mjs';
import { eventually, program, Server } from '../server.mjs';
import { packed } from './pictures.mjs';
import { png } from './png.mjs';

const writer = process.env.BOWERBIRD_WRITE_TORCHSCRIPT || path.join(path.dirname(program), 'write_torchscript');
const MODEL = 'bowerbird:mlmodel:torch';
const skip = existsSync(writer) && existsSync(path.join(path.dirname(program), 'torch-module')) ? false : 'libtorch is not installed';

after(() => setTimeout(() => process.exit(), 200).unref());

describe('the module torch', { skip }, () => {
  let server, robot, folder;

  before(async () => {
    folder = mkdtempSync(path.join(tmpdir(), 'bowerbird-torch-'));
    execFileSync(writer, [folder]);
    writeFileSync(path.join(folder, 'labels.txt'), 'red\ngreen\nblue\n');
    writeFileSync(path.join(folder, 'none.pt'), 'this is no model');
    const file = (name) => path.join(folder, name);
    const service = (name, attributes, model = MODEL) => ({ name, api: 'rdk:service:mlmodel', model, attributes });
    const image = { image: { shape: [1, 3, 16, 16] } };
    server = await Server.start({ config: {
      modules: [{ name: 'torch', type: 'local', executable_path: packed('torch') }],
      services: [
        service('colors', { model_path: file('colors.pt'), label_path: file('labels.txt'), num_threads: 1, inputs: image }),
        service('pair', { model_path: file('pair.pt'), inputs: { x: { shape: [-1] }, n: { shape: [-1], data_type: 'int64' } } }, 'viam:mlmodel:torch-cpu'),
        { name: 'eye', api: 'rdk:service:vision', model: 'mlmodel', attributes: { mlmodel_name: 'colors' } },
        service('wrong-0', { model_path: file('none.pt') }),
        service('wrong-1', { model_path: file('missing.pt') }),
        service('wrong-2', { model_path: file('text.pt') }),
        service('wrong-3', { model_path: file('colors.pt'), inputs: { picture: { shape: [1] } } }),
        service('wrong-4', { model_path: file('colors.pt'), inputs: { image: { shape: [1, 4, 16, 16] } } }),
        service('wrong-5', { model_path: file('colors.pt'), inputs: { image: { shape: [1, 0.5] } } }),
      ],
    } });
    robot = await dial(server.url, 'grpc');
    await eventually(() => new sdk.MLModelClient(robot, 'pair').metadata(), 60_000);
    await eventually(() => new sdk.VisionClient(robot, 'eye').getProperties(), 60_000);
  });
  after(async () => {
    await server?.close();
    rmSync(folder, { recursive: true, force: true });
  });

  const tensor = (kind, data, shape) => ({ shape: shape.map(BigInt), tensor: { case: kind, value: { data } } });
  const infer = async (name, tensors) => (await new sdk.MLModelClient(robot, name).infer({ tensors })).outputTensors.tensors;

  it('is a model that the vision service works on', async () => {
    for (const [label, color] of [['red', [250, 0, 0]], ['green', [0, 250, 0]], ['blue', [0, 0, 250]]]) {
      const [best] = await new sdk.VisionClient(robot, 'eye').getClassifications(new Uint8Array(png(color)), 64, 64, 'image/png', 1);
      assert.equal(best.className, label);
      // The pixels become 250 / 127.5 - 1 and -1; the softmax of 8 times those.
      const high = Math.exp(8 * (250 / 127.5 - 1));
      assert.ok(Math.abs(best.confidence - high / (high + 2 * Math.exp(-8))) < 1e-3, `${best.confidence}`);
    }
  });

  it('tells what it was told of its inputs, and what a run on zeros gave', async () => {
    const { metadata } = await new sdk.MLModelClient(robot, 'colors').metadata();
    const of = (infos) => infos.map((one) => [one.name, one.dataType, [...one.shape]]);
    assert.deepEqual(of(metadata.inputInfo), [['image', 'float32', [1, 3, 16, 16]]]);
    assert.deepEqual(of(metadata.outputInfo), [['output', 'float32', [1, 3]]]);
    assert.equal(metadata.outputInfo[0].extra.toJson().labels, path.join(folder, 'labels.txt'));
  });

  it('takes and gives several tensors of several types', async () => {
    const found = await infer('pair', { x: tensor('floatTensor', [1, 2.5], [2]), n: tensor('int64Tensor', [41n], [1]) });
    assert.deepEqual([...found.output_0.tensor.value.data], [2, 5]);
    assert.deepEqual([...found.output_1.tensor.value.data], [42n]);
    const { metadata } = await new sdk.MLModelClient(robot, 'pair').metadata();
    assert.deepEqual(metadata.outputInfo.map((one) => [one.name, one.dataType]), [['output_0', 'float32'], ['output_1', 'int64']]);
  });

  it('refuses tensors that the model does not take', async () => {
    const float = (data, shape) => tensor('floatTensor', data, shape);
    await assert.rejects(infer('colors', { x: tensor('uint8Tensor', new Uint8Array(4), [4]) }), /uint8, the model wants float32/);
    await assert.rejects(infer('colors', { x: float([1, 2], [1, 2]) }), /\[1, 2\].*\[1, 3, 16, 16\]/);
    await assert.rejects(infer('colors', { x: float([1, 2], [1, 3, 16, 16]) }), /2 elements|768/);
    await assert.rejects(infer('pair', { x: float([1], [1]), y: float([1], [1]) }), /'n'/);
    await assert.rejects(infer('pair', { x: float([1, 2], [2]), n: tensor('int64Tensor', [1n], [0]) }), /elements/);
  });

  it('says what is wrong with a file or an attribute', async () => {
    for (const [i, error] of [/none\.pt cannot be loaded as a TorchScript model/, /file not found at \S+missing\.pt/,
      /takes "s", which is str: models here take tensors only/, /forward has no argument "picture"/,
      /on tensors of zeros: the model cannot run/, /"shape" must have whole numbers/].entries())
      await eventually(() => error.test(server.output), 30_000).catch(() => assert.fail(`wrong-${i}`));
  });
});
