// SPDX-License-Identifier: Apache-2.0
//
// Models, label files and pictures that are not what they seem. The resource, or the call, says what is
// wrong with which file; everything else goes on working.
import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, describe, it } from 'node:test';
import { detectorFiles } from '../conformance/machine.mjs';
import { dial, sdk } from '../conformance/clients.mjs';
import { eventually, Server } from '../server.mjs';
import { blackPng } from './pictures.mjs';
import { Noise, Watch } from './watch.mjs';

const READY = 3;
const UNHEALTHY = 5;

const folder = mkdtempSync(path.join(tmpdir(), 'bowerbird-files-'));
const put = (name, bytes) => {
  writeFileSync(path.join(folder, name), bytes);
  return path.join(folder, name);
};

function hostileModels() {
  const good = readFileSync(detectorFiles().model);
  const noise = new Noise(3);
  const torn = (at) => good.subarray(0, at);
  const models = {
    missing: path.join(folder, 'not-there.tflite'),
    empty: put('empty.tflite', Buffer.alloc(0)),
    tiny: put('tiny.tflite', Buffer.from('TFL3')),
    random: put('random.tflite', noise.bytes(100_000)),
    signed: put('signed.tflite', Buffer.concat([Buffer.from([28, 0, 0, 0]), Buffer.from('TFL3'), noise.bytes(50_000)])),
    half: put('half.tflite', torn(good.length >> 1)),
    short: put('short.tflite', torn(good.length - 1000)),
    text: put('text.tflite', '{"this": "is no model"}'),
    folder,
  };
  // Bits flipped in the tables, which stand before and behind the weights.
  for (let i = 0; i < 6; i++) {
    const flipped = Buffer.from(good);
    for (let k = 0; k < 40; k++) flipped[good.length - 1 - noise.below(40_000)] ^= 1 << noise.below(8);
    models[`flipped${i}`] = put(`flipped${i}.tflite`, flipped);
  }
  return models;
}

const mlmodel = (name, model, more = {}) => ({
  name,
  api: 'rdk:service:mlmodel',
  model: 'tflite_cpu',
  attributes: { model_path: model, ...more },
});

const vision = (name, model, more = {}) => ({
  name,
  api: 'rdk:service:vision',
  model: 'mlmodel',
  attributes: { mlmodel_name: model, ...more },
});

const photo = (name, file) => ({
  name,
  api: 'rdk:component:camera',
  model: 'image_file',
  attributes: { color_image_file_path: file },
});

describe('hostile files', () => {
  let server, robot, states, models;

  before(async () => {
    const { model, labels } = detectorFiles();
    models = hostileModels();
    const few = put('few.txt', 'one\ntwo\n');
    const many = put('many.txt', Array.from({ length: 5000 }, (_, i) => `label ${i}`).join('\n'));
    server = await Server.start({
      config: {
        components: [
          photo('nothing', put('nothing.jpg', Buffer.alloc(0))),
          photo('dot', put('dot.png', blackPng(1, 1))),
          photo('disguised', put('disguised.jpg', blackPng(64, 48))),
          photo('huge', put('huge.png', blackPng(20_000, 20_000, { bits: 1 }))),
          photo('boast', put('boast.png', blackPng(20_000, 20_000, { rows: 1 }))),
          photo('torn', put('torn.png', blackPng(640, 480).subarray(0, 100))),
          photo('absent', path.join(folder, 'absent.jpg')),
        ],
        services: [
          mlmodel('good', model, { label_path: labels }),
          vision('finder', 'good', { default_minimum_confidence: 0.01 }),
          ...Object.entries(models).map(([name, file]) => mlmodel(`bad-${name}`, file)),
          mlmodel('few', model, { label_path: few }),
          vision('few-finder', 'few', { default_minimum_confidence: 0.3 }),
          mlmodel('many', model, { label_path: many }),
          vision('many-finder', 'many', { default_minimum_confidence: 0.3 }),
          mlmodel('unlabelled', model, { label_path: path.join(folder, 'absent.txt') }),
        ],
      },
    });
    robot = await dial(server.url, 'grpc');
    states = await eventually(async () => {
      const { resources } = await robot.getMachineStatus();
      const settled =
        resources.length > 0 && resources.every((one) => [READY, UNHEALTHY].includes(one.state));
      return settled && new Map(resources.map((one) => [one.name.name, one]));
    }, 120_000);
  });

  after(async () => {
    await server?.close();
    rmSync(folder, { recursive: true, force: true });
    setTimeout(() => process.exit(), 200).unref();
  });

  it('a damaged model is refused by name, and the good one beside it works', async () => {
    assert.equal(states.get('good').state, READY, states.get('good').error);
    for (const [name, file] of Object.entries(models)) {
      const { state, error } = states.get(`bad-${name}`);
      // A flipped bit may fall on a name or a number that still makes a model.
      if (name.startsWith('flipped') && state === READY) continue;
      assert.equal(state, UNHEALTHY, `${name} is taken for a model`);
      assert.ok(error.includes(path.basename(file)), `${name}: "${error}" names the file`);
    }
    const { metadata } = await new sdk.MLModelClient(robot, 'good').metadata();
    assert.equal(metadata.inputInfo.length, 1);
  });

  it('models that still load with flipped bits answer or fail, and take nothing down', async () => {
    const picture = { shape: [1n, 300n, 300n, 3n] };
    picture.tensor = { case: 'floatTensor', value: { data: new Array(270_000).fill(0) } };
    for (const name of Object.keys(models).filter((one) => one.startsWith('flipped')))
      await new sdk.MLModelClient(robot, `bad-${name}`)
        .infer({ tensors: { image: picture } })
        .catch((error) => assert.ok(error.message.length > 10, `${name}: ${error.message}`));
    await new Watch(server).unharmed();
  });

  it('a label file of the wrong length is reported, at the start or by the call', async () => {
    const seen = async (service) => {
      const { state, error } = states.get(service);
      if (state !== READY) return error;
      const found = await new sdk.VisionClient(robot, service)
        .getDetectionsFromCamera('disguised')
        .catch((failure) => failure);
      return Array.isArray(found) ? found : found.message;
    };
    const few = await seen('few-finder');
    if (typeof few === 'string') assert.match(few, /label/);
    else for (const one of few) assert.ok(['one', 'two'].includes(one.className), one.className);
    const many = await seen('many-finder');
    if (typeof many === 'string') assert.match(many, /label/);
  });

  it('pictures that are none fail by name; small, disguised and large ones work or are refused', async () => {
    const watch = new Watch(server);
    const finder = new sdk.VisionClient(robot, 'finder');
    for (const camera of ['nothing', 'torn', 'boast', 'absent']) {
      const error = await finder.getDetectionsFromCamera(camera).then(
        () => assert.fail(`${camera} is taken for a picture`),
        (failure) => failure,
      );
      assert.match(error.message, new RegExp(camera), `"${error.message}" names what is wrong`);
    }
    for (const camera of ['dot', 'disguised'])
      assert.ok(Array.isArray(await finder.getDetectionsFromCamera(camera)), camera);
    const huge = await finder.getDetectionsFromCamera('huge').catch((error) => error);
    assert.ok(Array.isArray(huge) || /20000|large|pixels/i.test(huge.message), `huge: ${huge.message}`);
    await watch.unharmed({ moreMb: 128 });
  });
});
