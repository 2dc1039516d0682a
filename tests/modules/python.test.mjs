// SPDX-License-Identifier: Apache-2.0
//
// A module in Python, without any SDK: brought up, used, killed, taken away.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import path from 'node:path';
import { after, before, describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { Struct } from '@viamrobotics/sdk';
import { dial, sdk } from '../conformance/clients.mjs';
import { eventually, Server } from '../server.mjs';
import { pythonMessages } from './messages.mjs';
import { named, rawCall } from './raw.mjs';

const PYTHON = '/usr/bin/python3';
const gizmo = path.join(path.dirname(fileURLToPath(import.meta.url)), 'gizmo.py');
const hasGrpc = spawnSync(PYTHON, ['-c', 'import grpc, google.protobuf']).status === 0;
const skip = hasGrpc ? false : 'python3-grpcio is not installed';

const KILLS = Number(process.env.BOWERBIRD_KILLS ?? 10);

after(() => setTimeout(() => process.exit(), 200).unref());

const alive = (pid) => {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
};

// The field `command` of a DoCommandRequest: {"hang": seconds}.
const hang = (seconds) => {
  const number = Buffer.alloc(9, 0x11);
  number.writeDoubleLE(seconds, 1);
  const wrap = (tag, bytes) => Buffer.concat([Buffer.from([tag, bytes.length]), bytes]);
  return wrap(0x12, wrap(0x0a, Buffer.concat([wrap(0x0a, Buffer.from('hang')), wrap(0x12, number)])));
};

describe('a module in Python', { skip }, () => {
  let messages;
  let server;
  let robot;

  const config = (modules, more = []) => ({
    modules,
    components: [
      ...more,
      { name: 'cam', api: 'rdk:component:camera', model: 'fake' },
      {
        name: 'count',
        api: 'rdk:component:sensor',
        model: 'test:demo:counter',
        attributes: { needs: ['cam'], wants: ['later'] },
      },
      { name: 'g', api: 'acme:component:gizmo', model: 'test:demo:gizmo' },
      { name: 'bad', api: 'rdk:component:sensor', model: 'test:demo:counter', attributes: { wrong: 1 } },
    ],
    services: [{ name: 'double', api: 'rdk:service:mlmodel', model: 'test:demo:double' }],
  });
  const module = (env = {}, name = 'gizmo') => ({
    name,
    type: 'local',
    executable_path: gizmo,
    env: { PYTHONPATH: messages.folder, ...env },
  });
  const stateOf = async (name) => {
    const status = await robot.getMachineStatus();
    return status.resources.find((resource) => resource.name?.name === name);
  };
  const names = async () => (await robot.resourceNames()).map((name) => name.name);
  const sensor = () => new sdk.SensorClient(robot, 'count');
  const command = async (fields) => sensor().doCommand(Struct.fromJson(fields));

  before(async () => {
    messages = pythonMessages();
    server = await Server.start({ config: config([module({ LEAVE_A_CHILD: '1' })]) });
    robot = await dial(server.url, 'grpc');
    await eventually(async () => (await names()).includes('count'), 30_000);
  });
  after(async () => {
    await server?.close();
    messages?.close();
  });

  it('is told where it is, and answers for its resources', async () => {
    await eventually(async () => (await names()).includes('double'));
    assert.match(server.output, /environment gizmo True True/);
    const readings = await sensor().getReadings();
    assert.equal(readings.count, 1);
    assert.equal(readings.seen, 'rdk:component:camera/cam');
    assert.match(readings.names, /cam count/);
  });

  it('says what is wrong with a config', async () => {
    await eventually(async () => /"wrong" is not known/.test((await stateOf('bad'))?.error ?? ''));
  });

  it('serves tensors through the same interface as a built-in model', async () => {
    const model = new sdk.MLModelClient(robot, 'double');
    const { metadata } = await model.metadata();
    assert.equal(metadata.inputInfo[0].name, 'x');
    const value = { data: [1, 2, 3, 4, 5, 6] };
    const { outputTensors } = await model.infer({
      tensors: { x: { shape: [2n, 3n], tensor: { case: 'floatTensor', value } } },
    });
    assert.deepEqual([...outputTensors.tensors.y.tensor.value.data], [2, 4, 6, 8, 10, 12]);
  });

  it('gets what it can use without needing it, when that comes and until it goes', async () => {
    const seen = async () => (await sensor().getReadings()).seen;
    assert.equal(await seen(), 'rdk:component:camera/cam');
    const later = { name: 'later', api: 'rdk:component:sensor', model: 'fake' };
    server.configure(config([module({ LEAVE_A_CHILD: '1' })], [later]));
    await eventually(async () => /rdk:component:sensor\/later/.test(await seen()), 30_000);
    server.configure(config([module({ LEAVE_A_CHILD: '1' })]));
    await eventually(async () => (await seen()) === 'rdk:component:camera/cam', 30_000);
  });

  it('is called byte for byte where only it knows the API', async () => {
    const service = 'acme.component.gizmo.v1.GizmoService';
    const one = await rawCall(server.url, `${service}/DoOne`, named('g'));
    assert.equal(one.status, 0, one.message);
    assert.equal(one.messages.length, 1);
    assert.match(one.messages[0].toString('latin1'), /pid/);
    const three = await rawCall(server.url, `${service}/CountTo`, named('g'));
    assert.equal(three.status, 0, three.message);
    assert.equal(three.messages.length, 3);
    assert.equal((await rawCall(server.url, `${service}/DoOne`, named('nobody'))).status, 5);
    assert.equal((await rawCall(server.url, 'acme.v1.Unknown/Call', named('g'))).status, 12);
  });

  it('is called until the deadline, and no longer', async () => {
    const hanging = rawCall(server.url, 'acme.component.gizmo.v1.GizmoService/DoOne',
      Buffer.concat([named('g'), hang(30)]), { 'grpc-timeout': '500m' });
    await new sdk.CameraClient(robot, 'cam').getImages();
    assert.equal((await hanging).status, 4, 'DEADLINE_EXCEEDED');
  });

  it('is back after a kill, with its resources, while others go on', async () => {
    const before = await command({});
    const camera = new sdk.CameraClient(robot, 'cam');
    const killed = command({ die: true }).catch((error) => error);
    assert.ok((await killed) instanceof Error);
    await camera.getImages();
    await eventually(async () => (await command({})).pid !== before.pid, 30_000);
    assert.equal((await sensor().getReadings()).count, 1, 'it was built anew');
  });

  it(`is back after each of ${KILLS} kills under load, and no call of others fails`, async () => {
    const camera = new sdk.CameraClient(robot, 'cam');
    let stop = false;
    let calls = 0;
    const failures = [];
    const load = [1, 2, 3].map(async () => {
      while (!stop) {
        await camera.getImages().catch((error) => failures.push(error));
        await sensor().getReadings().catch(() => {});
        ++calls;
      }
    });
    const times = [];
    let { pid } = await command({});
    for (let kill = 0; kill < KILLS; ++kill) {
      process.kill(pid, 'SIGKILL');
      const start = Date.now();
      const last = pid;
      pid = await eventually(async () => {
        const now = (await command({})).pid;
        return now !== last && now;
      }, 30_000);
      times.push(Date.now() - start);
    }
    stop = true;
    await Promise.all(load);
    times.sort((a, b) => a - b);
    console.log(`back after ${times[times.length >> 1]} ms (median), ${times.at(-1)} ms at most; ${calls} rounds of calls`);
    assert.deepEqual(failures, []);
    assert.ok(calls > KILLS);
  });

  it('is restarted when that is asked for, and tells its models', async () => {
    const { pid } = await command({});
    await robot.restartModule(undefined, 'gizmo');
    await eventually(async () => (await command({})).pid !== pid, 30_000);
    const models = await robot.getModelsFromModules();
    assert.deepEqual(models.map(({ model }) => model).sort(), ['test:demo:counter', 'test:demo:double', 'test:demo:gizmo']);
    await assert.rejects(() => robot.restartModule(undefined, 'nobody'), /no module named/);
  });

  it('leaves no child behind, and its models go with it', async () => {
    const child = Number([...server.output.matchAll(/child (\d+)/g)].at(-1)[1]);
    assert.ok(alive(child));
    server.configure(config([]));
    await eventually(async () => !(await names()).includes('count'), 30_000);
    await eventually(() => !alive(child), 30_000);
    assert.match(server.output, /removed rdk:component:sensor\/count/);
    assert.ok((await names()).includes('cam'));
  });

  it('that cannot start says why', async () => {
    server.configure(config([module({ EXIT_AT_START: '1' })]));
    await eventually(() => /the licence has expired/.test(server.output), 30_000);
    server.configure(config([{ ...module(), executable_path: '/no/such/program' }]));
    await eventually(() => /\/no\/such\/program does not exist/.test(server.output), 30_000);
  });

  it('can flood its output without flooding the log', async () => {
    server.configure(config([module()]));
    await eventually(async () => (await names()).includes('count'), 30_000);
    await command({ flood: 5000 });
    await sleep(1200);
    await command({ flood: 1 });
    await eventually(() => /more lines in one second are left out/.test(server.output), 30_000);
    assert.ok(server.output.split('\n').filter((line) => /flood \d/.test(line)).length < 1000);
  });

  it('ends with the machine', async () => {
    const { pid } = await command({});
    const folder = /at (\/\S*viam-module-\w+)\//.exec(server.output)?.[1];
    await server.stop();
    assert.ok(!alive(pid));
    if (folder) assert.ok(!existsSync(folder));
  });
});
