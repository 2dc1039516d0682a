// SPDX-License-Identifier: Apache-2.0
//
// The module onnx, from its archive: the same model as .tflite and as .onnx gives the same answers.
import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, describe, it } from 'node:test';
import { dial, sdk } from '../conformance/clients.mjs';
import { eventually, Server } from '../server.mjs';
import { noData, packed, testFile, toOnnx } from './pictures.mjs';

const MODEL = 'bowerbird:mlmodel:onnx';

after(() => setTimeout(() => process.exit(), 200).unref());

const service = (name, model, attributes) => ({ name, api: 'rdk:service:mlmodel', model, attributes });
const vision = (name, mlmodel, attributes) => ({
  name,
  api: 'rdk:service:vision',
  model: 'mlmodel',
  attributes: { mlmodel_name: mlmodel, ...attributes },
});
const modules = () => [{ name: 'onnx', type: 'local', executable_path: packed('onnx') }];
const there = (robot, name) => eventually(async () => (await robot.resourceNames()).some((known) => known.name === name), 60_000);

describe('the module onnx, against the .tflite', { skip: noData }, () => {
  let server, robot, folder;

  before(async () => {
    folder = mkdtempSync(path.join(tmpdir(), 'bowerbird-onnx-'));
    const mobilenet = testFile('models/classify/mobilenet_v1_0.25_224_1_metadata_1.tflite');
    const yolox = testFile('models/yolo/yolox_nano_float16_quantize.tflite');
    const labels = testFile('models/classify/labels.txt');
    const classes = testFile('models/yolo/coco_classes.txt');
    toOnnx(mobilenet, path.join(folder, 'mobilenet.onnx'));
    toOnnx(yolox, path.join(folder, 'yolox.onnx'));
    writeFileSync(path.join(folder, 'text.onnx'), 'this is no model');
    const signed = { input_image_mean_value: [0.5, 0.5, 0.5], input_image_std_dev: [0.5, 0.5, 0.5] };
    const boxes = { default_minimum_confidence: 0.4 };
    server = await Server.start({ config: {
      modules: modules(),
      services: [
        service('a-tflite', 'tflite_cpu', { model_path: mobilenet, label_path: labels }),
        service('a-onnx', MODEL, { model_path: path.join(folder, 'mobilenet.onnx'), label_path: labels, num_threads: 1 }),
        service('b-tflite', 'tflite_cpu', { model_path: yolox, label_path: classes }),
        service('b-onnx', 'viam:mlmodel:onnx-cpu', { model_path: path.join(folder, 'yolox.onnx'), label_path: classes }),
        vision('classes-tflite', 'a-tflite', signed),
        vision('classes-onnx', 'a-onnx', signed),
        vision('boxes-tflite', 'b-tflite', boxes),
        vision('boxes-onnx', 'b-onnx', boxes),
        ...['none.onnx', 'mobilenet.onnx', 'text.onnx'].map((file, i) =>
          service(`wrong-${i}`, MODEL, { model_path: path.join(folder, file), ...(i === 1 ? { num_threads: 0.5 } : {}) })),
        service('wrong-3', MODEL, { model_path: mobilenet }),
      ],
    } });
    robot = await dial(server.url, 'grpc');
    for (const name of ['classes-tflite', 'classes-onnx', 'boxes-tflite', 'boxes-onnx']) await there(robot, name);
  });
  after(async () => {
    await server?.close();
    rmSync(folder, { recursive: true, force: true });
  });

  const picture = (...parts) => new Uint8Array(readFileSync(testFile('photos', ...parts)));

  it('classifies as it does', async () => {
    const image = picture('tflite-support/burger.jpg');
    const [ours, theirs] = await Promise.all(['onnx', 'tflite'].map((kind) =>
      new sdk.VisionClient(robot, `classes-${kind}`).getClassifications(image, 224, 224, 'image/jpeg', 5)));
    assert.equal(ours.length, 5);
    assert.deepEqual(ours.map((one) => one.className), theirs.map((one) => one.className));
    ours.forEach((one, i) => assert.ok(Math.abs(one.confidence - theirs[i].confidence) < 1e-3, `${one.className}: ${one.confidence}, ${theirs[i].confidence}`));
    assert.equal(ours[0].className, 'cheeseburger');
  });

  it('detects as it does', async () => {
    const image = picture('tflite-support/cats_and_dogs.jpg');
    const [ours, theirs] = await Promise.all(['onnx', 'tflite'].map((kind) =>
      new sdk.VisionClient(robot, `boxes-${kind}`).getDetections(image, 1200, 600, 'image/jpeg')));
    assert.ok(ours.length >= 3, `${ours.length} detections`);
    assert.deepEqual(ours.map((one) => one.className), theirs.map((one) => one.className));
    ours.forEach((one, i) => {
      assert.ok(Math.abs(one.confidence - theirs[i].confidence) < 1e-3);
      for (const side of ['xMinNormalized', 'yMinNormalized', 'xMaxNormalized', 'yMaxNormalized'])
        assert.ok(Math.abs(one[side] - theirs[i][side]) < 1e-3, `${side}: ${one[side]}, ${theirs[i][side]}`);
    });
  });

  it('tells names, types, shapes and labels as it does', async () => {
    const { inputInfo, outputInfo } = (await new sdk.MLModelClient(robot, 'a-onnx').metadata()).metadata;
    assert.deepEqual(inputInfo.map((one) => [one.dataType, [...one.shape]]), [['float32', [1, 224, 224, 3]]]);
    assert.deepEqual(outputInfo.map((one) => [one.dataType, [...one.shape]]), [['float32', [1, 1001]]]);
    assert.equal(outputInfo[0].extra.toJson().labels, testFile('models/classify/labels.txt'));
  });

  it('refuses tensors that the model does not take', async () => {
    const model = new sdk.MLModelClient(robot, 'a-onnx');
    const tensor = (kind, data, shape) => ({ tensors: { x: { shape: shape.map(BigInt), tensor: { case: kind, value: { data } } } } });
    await assert.rejects(model.infer(tensor('uint8Tensor', new Uint8Array(4), [4])), /uint8, the model wants float32/);
    await assert.rejects(model.infer(tensor('floatTensor', [1, 2], [1, 2])), /\[1, 2\].*\[1, 224, 224, 3\]/);
    await assert.rejects(model.infer(tensor('floatTensor', [1, 2], [1, 224, 224, 3])), /2 elements|150528/);
  });

  it('says what is wrong with a file or an attribute', async () => {
    await eventually(() => /file not found at \S+none\.onnx/.test(server.output), 30_000);
    await eventually(() => /"num_threads": 0\.5 is no whole number/.test(server.output), 30_000);
    await eventually(() => /text\.onnx cannot be loaded as an ONNX model/.test(server.output), 30_000);
    await eventually(() => /does not end in \.onnx/.test(server.output), 30_000);
  });
});
