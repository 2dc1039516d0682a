// SPDX-License-Identifier: Apache-2.0
//
// Two programs: `far` has the model, `near` takes it from there over KServe v2, by gRPC and by HTTP.
// The answers are those of the model itself, and what happens to `far` has a name at `near`.
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { dial, sdk } from '../conformance/clients.mjs';
import { allReady, detectorFiles } from '../conformance/machine.mjs';
import { eventually, Server } from '../server.mjs';

const READY = 3;
const UNHEALTHY = 5;
const UNAVAILABLE = 14;
const KEY_ID = '5f0a4b1c-0000-4000-8000-000000000001';
const KEY = 'far-away-but-not-out-of-reach';
const SIZE = 300;

const local = (name, { model, labels }) => ({
  name, api: 'rdk:service:mlmodel', model: 'tflite_cpu',
  attributes: { model_path: model, label_path: labels },
});

const remote = (name, url, more = {}) => ({
  name, api: 'rdk:service:mlmodel', model: 'bowerbird:remote:kserve',
  attributes: { engine: { kserve: url, model: 'detector', ...more } },
});

/** A picture with edges and slopes, as the detector's input. */
function picture() {
  const data = Array.from({ length: SIZE * SIZE * 3 }, (_, i) => {
    const [x, y] = [Math.floor(i / 3) % SIZE, Math.floor(i / 3 / SIZE)];
    return Math.fround(Math.sin(x / 9 + (i % 3)) * Math.cos(y / 13));
  });
  const size = BigInt(SIZE);
  return { shape: [1n, size, size, 3n], tensor: { case: 'floatTensor', value: { data } } };
}

describe('a model of another server', () => {
  let far, guarded, near, robot, input, states;

  const infer = async (name) => {
    const client = new sdk.MLModelClient(robot, name);
    const { outputTensors } = await client.infer({ tensors: { [input]: picture() } });
    return Object.values(outputTensors.tensors)
      .map(({ shape, tensor }) => ({ shape: shape.map(Number), values: [...tensor.value.data] }))
      .sort((a, b) => a.shape.at(-1) - b.shape.at(-1));
  };

  before(async () => {
    const detector = detectorFiles();
    const services = [local('detector', detector)];
    far = await Server.start({ config: { services } });
    const auth = { handlers: [{ type: 'api-key', config: { keys: [KEY_ID], [KEY_ID]: KEY } }] };
    guarded = await Server.start({ config: { services, auth } });
    const credentials = { type: 'api-key', authEntity: KEY_ID, payload: KEY };
    await allReady(await dial(far.url, 'grpc'));
    await allReady(await dial(guarded.url, 'grpc', credentials));
    const basic = `Basic ${Buffer.from(`${KEY_ID}:${KEY}`).toString('base64')}`;
    const wrong = `Basic ${Buffer.from(`${KEY_ID}:guessed`).toString('base64')}`;
    const locked = `http://127.0.0.1:${guarded.port}`;
    near = await Server.start({
      config: {
        services: [
          local('direct', detector),
          remote('grpc', `grpc://127.0.0.1:${far.port}`),
          remote('http', `http://127.0.0.1:${far.port}`),
          remote('json', `http://127.0.0.1:${far.port}`, { encoding: 'json' }),
          remote('key', locked, { headers: { authorization: basic } }),
          remote('no-key', locked),
          remote('wrong-key', locked, { headers: { authorization: wrong } }),
          remote('no-key-grpc', `grpc://127.0.0.1:${guarded.port}`),
          remote('no-model', `grpc://127.0.0.1:${far.port}`, { model: 'detectr' }),
          remote('no-model-http', `http://127.0.0.1:${far.port}`, { model: 'detectr' }),
        ],
      },
    });
    robot = await dial(near.url, 'grpc');
    states = await eventually(async () => {
      const { resources } = await robot.getMachineStatus();
      const settled =
        resources.length > 0 && resources.every((one) => [READY, UNHEALTHY].includes(one.state));
      return settled && new Map(resources.map((one) => [one.name.name, one]));
    }, 60_000);
    const { metadata } = await new sdk.MLModelClient(robot, 'direct').metadata();
    input = metadata.inputInfo[0].name;
  });

  after(async () => {
    await Promise.all([near, far, guarded].map((server) => server?.close()));
    setTimeout(() => process.exit(), 200).unref();
  });

  it('is described as it is there', async () => {
    const own = (await new sdk.MLModelClient(robot, 'direct').metadata()).metadata;
    for (const name of ['grpc', 'http']) {
      const { metadata } = await new sdk.MLModelClient(robot, name).metadata();
      for (const ends of ['inputInfo', 'outputInfo'])
        assert.deepEqual(
          metadata[ends].map((info) => [info.name, info.dataType, info.shape]),
          own[ends].map((info) => [info.name, info.dataType, info.shape]), name);
    }
  });

  it('answers as the model itself, bit by bit, over gRPC, binary HTTP and JSON', async () => {
    const expected = await infer('direct');
    assert.ok(expected[0].values.some((value) => value !== 0));
    for (const name of ['grpc', 'http', 'json', 'key'])
      assert.deepEqual(await infer(name), expected, name);
  });

  it('costs this much (printed, not judged)', async () => {
    const times = new Map(['direct', 'grpc', 'http'].map((name) => [name, []]));
    for (let round = 0; round < 9; round++)
      for (const [name, all] of times) {
        const start = performance.now();
        await infer(name);
        all.push(performance.now() - start);
      }
    for (const [name, all] of times)
      console.log(`# ${name}: p50 ${all.sort((a, b) => a - b)[4].toFixed(1)} ms a call of the SDK`);
  });

  it('without a key, with a wrong one or with a wrong name is not ready, and says why', () => {
    for (const [name, says] of [
      ['no-key', /authentication|401/i],
      ['no-key-grpc', /authentication/i],
      ['wrong-key', /invalid credentials/],
      ['no-model', /detectr/],
      ['no-model-http', /detectr/],
    ]) {
      const { state, error } = states.get(name);
      assert.equal(state, UNHEALTHY, name);
      assert.match(error, says, name);
      assert.ok(!error.includes('guessed'), `${name}: the error shows the key`);
    }
  });

  it('that is killed is UNAVAILABLE by name, and found again when it is back', async () => {
    const expected = await infer('direct');
    await far.stop('SIGKILL');
    for (const name of ['grpc', 'http']) {
      const error = await infer(name).then(() => assert.fail(`${name} answers`), (e) => e);
      assert.equal(error.code, UNAVAILABLE, `${name}: ${error.message}`);
      assert.match(error.message, new RegExp(`127\\.0\\.0\\.1:${far.port}`), name);
    }
    assert.deepEqual(await infer('direct'), expected, 'the others go on');
    await far.launch();
    for (const name of ['grpc', 'http'])
      assert.deepEqual(await eventually(() => infer(name), 30_000), expected, name);
  });
});
