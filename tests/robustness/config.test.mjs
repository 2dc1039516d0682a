// SPDX-License-Identifier: Apache-2.0
//
// Configs with faults, and configs that change: what is right works, what is wrong says where and why.
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { after, before, describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { dial, sdk } from '../conformance/clients.mjs';
import { eventually, Server } from '../server.mjs';

const READY = 3;
const UNHEALTHY = 5;

const camera = (name, attributes = {}, more = {}) => ({
  name,
  api: 'rdk:component:camera',
  model: 'fake',
  attributes: { width: 64, height: 48, ...attributes },
  ...more,
});

const transform = (name, source) => ({
  name,
  api: 'rdk:component:camera',
  model: 'transform',
  attributes: {
    source,
    pipeline: [{ type: 'resize', attributes: { width_px: 32, height_px: 24 } }],
  },
});

const FAULTS = {
  components: [
    camera('fine'),
    { name: 'unknown', api: 'rdk:component:camera', model: 'no-such-model' },
    camera('typed', { width: 'wide' }),
    camera('negative', { height: -2 }),
    transform('left', 'right'),
    transform('right', 'left'),
    transform('lonely', 'nobody'),
    transform('through', 'fine'),
    camera('twice'),
    camera('twice', { width: 128 }),
  ],
  services: [],
};

async function states(robot, settled = () => true) {
  return eventually(async () => {
    const { resources } = await robot.getMachineStatus();
    const known = resources.every((one) => [READY, UNHEALTHY].includes(one.state));
    const map = new Map(resources.map((one) => [one.name.name, one]));
    if (resources.length === 0 || !known || !settled(map))
      throw new Error(`not settled: ${[...map].map(([name, one]) => `${name}=${one.state} ${one.error}`)}`);
    return map;
  }, 20_000);
}

// The SDK's heartbeat of a direct connection never ends.
after(() => setTimeout(() => process.exit(), 200).unref());

describe('a config with faults', () => {
  let server, robot, found;
  before(async () => {
    server = await Server.start({ config: FAULTS });
    robot = await dial(server.url, 'grpc');
    found = await states(robot);
  });
  after(() => server?.close());

  it('builds what is right', async () => {
    for (const name of ['fine', 'through']) {
      assert.equal(found.get(name)?.state, READY, found.get(name)?.error);
      assert.equal((await new sdk.CameraClient(robot, name).getImages()).images.length, 1);
    }
  });

  it('names the unknown model and what there is', () => {
    const { state, error } = found.get('unknown');
    assert.equal(state, UNHEALTHY);
    assert.match(error, /no-such-model/);
    assert.match(error, /fake/, 'and what is allowed');
  });

  it('names path, value and what is allowed of a wrong attribute', () => {
    assert.match(found.get('typed').error, /components\[2\]\.attributes\.width.*wide/);
    assert.match(found.get('negative').error, /components\[3\]\.attributes\.height.*-2/);
  });

  it('names the ring of resources that wait for each other', () => {
    for (const name of ['left', 'right']) {
      assert.equal(found.get(name)?.state, UNHEALTHY);
      assert.match(found.get(name).error, /left/);
      assert.match(found.get(name).error, /right/);
    }
  });

  it('names the dependency that is not there', () => {
    assert.equal(found.get('lonely')?.state, UNHEALTHY);
    assert.match(found.get('lonely').error, /nobody/);
  });

  it('says that a name stands twice', () => {
    const { state, error } = found.get('twice');
    if (state === READY) assert.match(server.output, /twice/);
    else assert.match(error, /twice|duplicate/i);
  });
});

describe('a config that changes', () => {
  let server, robot;
  before(async () => {
    server = await Server.start({ config: { components: [camera('a'), camera('b')] } });
    robot = await dial(server.url, 'grpc');
    await states(robot);
  });
  after(() => server?.close());

  it('is followed without a restart', async () => {
    server.configure({ components: [camera('a'), camera('c')] });
    const found = await states(robot, (map) => map.has('c') && !map.has('b'));
    assert.equal(found.get('c').state, READY);
    await assert.rejects(new sdk.CameraClient(robot, 'b').getImages(), /no node found/);
  });

  it('leaves the machine as it is when the file is no JSON, and says where', async () => {
    writeFileSync(server.config, '{"components": [\n  {"name": "a",,}\n]}');
    await eventually(() => /machine\.json.*\b2\b|line 2/.test(server.output), 10_000);
    const found = await states(robot);
    assert.equal(found.get('c')?.state, READY);
  });

  it('goes on from there when the file is right again', async () => {
    server.configure({ components: [camera('a'), camera('d')] });
    const found = await states(robot, (map) => map.has('d'));
    assert.equal(found.get('d').state, READY);
  });

  it('drops no call while it changes a hundred times', { timeout: 60_000 }, async () => {
    let stop = false;
    let calls = 0;
    const caller = (async () => {
      const client = new sdk.CameraClient(robot, 'a');
      while (!stop) {
        assert.equal((await client.getImages()).images.length, 1);
        calls++;
        await sleep(2);
      }
    })();
    for (let i = 0; i < 100; i++) {
      server.configure({ components: [camera('a'), camera('d', { width: 64 + 2 * (i % 8) })] });
      await sleep(40);
    }
    stop = true;
    await caller;
    assert.ok(calls > 100, `${calls} calls`);
  });
});

describe('no config worth the name', () => {
  for (const [what, text] of Object.entries({
    'no JSON': '{"components": [',
    'a list': '[]',
    'a section of the wrong type': '{"components": 3}',
  }))
    it(`${what}: the program says so and ends, or serves and says so`, async () => {
      const server = await Server.start({ config: { components: [] }, ready: false });
      await server.stop();
      server.output = '';
      writeFileSync(server.config, text);
      await server.launch(false);
      const end = await Promise.race([server.exited, sleep(3000).then(() => null)]);
      await eventually(() => /machine\.json/.test(server.output), 5000);
      if (end) assert.ok(end.code === 1 || end.code === 2, `it ended with ${JSON.stringify(end)}`);
      await server.close();
    });
});
