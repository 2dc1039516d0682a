// SPDX-License-Identifier: Apache-2.0
//
// Modules that do what they should not: the machine and everybody else's resources go on.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, afterEach, before, describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { Struct } from '@viamrobotics/sdk';
import { dial, sdk } from '../conformance/clients.mjs';
import { eventually, Server } from '../server.mjs';
import { pythonMessages } from './messages.mjs';
import { moduleStatus, named, rawCall } from './raw.mjs';

const here = path.dirname(fileURLToPath(import.meta.url));
const skip = spawnSync('/usr/bin/python3', ['-c', 'import grpc, google.protobuf']).status === 0 ? false : 'python3-grpcio is not installed';
const SLEEP = String(100_000 + process.pid);  // seconds; no other process sleeps so long
const GIZMO = 'acme.component.gizmo.v1.GizmoService';

after(() => setTimeout(() => process.exit(), 200).unref());

// The field `command` of a DoCommandRequest: {KEY: true}.
const flag = (key) => {
  const wrap = (tag, bytes) => Buffer.concat([Buffer.from([tag, bytes.length]), bytes]);
  return wrap(0x12, wrap(0x0a, Buffer.concat([wrap(0x0a, Buffer.from(key)), wrap(0x12, Buffer.from([0x20, 1]))])));
};

const processes = (argument) =>
  readdirSync('/proc').filter((pid) => {
    try {
      return /^\d+$/.test(pid) && readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0').includes(argument);
    } catch {
      return false;
    }
  });

describe('a module that misbehaves', { skip }, () => {
  let messages, server, robot, camera;

  const module = (program, env = {}, fields = {}) => ({
    name: 'rogue', type: 'local', executable_path: path.join(here, program),
    env: { PYTHONPATH: messages.folder, ...env }, ...fields,
  });
  const count = { name: 'count', api: 'rdk:component:sensor', model: 'test:demo:counter' };
  const configure = (modules, components = [count], services = []) =>
    server.configure({
      modules,
      components: [{ name: 'own', api: 'rdk:component:camera', model: 'fake' }, ...components],
      services,
    });
  const stateOf = async (name) => (await robot.getMachineStatus()).resources.find((resource) => resource.name?.name === name);
  const has = async (name) => (await robot.resourceNames()).some((known) => known.name === name);
  const there = (name = 'count') => eventually(() => has(name), 30_000);
  const says = (pattern) => eventually(async () => pattern.test(server.output), 30_000);
  const sensor = () => new sdk.SensorClient(robot, 'count');
  // One that is on its way to a module which is just being ended takes as long as that.
  const command = (fields) => sensor().doCommand(Struct.fromJson(fields), { timeoutMs: 3000 });

  before(async () => {
    messages = pythonMessages();
    server = await Server.start({ config: {}, env: { VIAM_MODULE_STARTUP_TIMEOUT: '3s' } });
    robot = await dial(server.url, 'grpc');
    camera = new sdk.CameraClient(robot, 'own');
  });
  afterEach(async () => {
    await there('own');
    await camera.getImages();  // the others go on
    configure([]);
    await eventually(async () => !(await has('count')) && Object.keys(await moduleStatus(server.url)).length === 0, 30_000);
  });
  after(async () => {
    await server?.close();
    messages?.close();
  });

  it('and never becomes ready is ended when its time is over, and tried again', async () => {
    configure([module('gizmo.py', { NEVER_READY: '1' })]);
    await says(/"rogue" is not ready: it has not said so in time/);
    await eventually(async () => {
      const { rogue } = await moduleStatus(server.url);
      return rogue.failures >= 2 && /has not said so in time/.test(rogue.error);
    }, 30_000);
    assert.match((await stateOf('count')).error, /unknown model/);
    configure([module('gizmo.py', { NO_SOCKET: '1' })]);
    await says(/does not listen at/);
  });

  it('and lies about its APIs is believed where that makes sense', async () => {
    configure([module('rogue.py', { ROGUE: 'lies' })], [
      count,
      { name: 'eye', api: 'rdk:component:camera', model: 'test:demo:camera' },
      { name: 'void', api: 'acme:component:empty', model: 'test:demo:empty' },
    ]);
    await there();
    await there('void');
    await says(/rdk:component:camera is served by viam\.component\.camera\.v1\.CameraService, not by acme\.v1\.NoCamera/);
    await says(/acme:component:nameless has no gRPC service/);
    assert.match((await stateOf('eye')).error, /unknown model/);
    const call = await rawCall(server.url, 'acme.v1.NotServed/Call', named('void'));
    assert.equal(call.status, 12, 'UNIMPLEMENTED');
    assert.equal((await sensor().getReadings()).count, 1);
  });

  it('and answers with garbage gives errors, nothing worse', async () => {
    configure([module('rogue.py', { ROGUE: 'garbage' })], [
      count, { name: 'eye', api: 'rdk:component:camera', model: 'test:demo:camera' },
    ], [
      { name: 'double', api: 'rdk:service:mlmodel', model: 'test:demo:double' },
      { name: 'finder', api: 'rdk:service:vision', model: 'color_detector',
        attributes: { segment_size_px: 10, detect_color: '#ff0000', hue_tolerance_pct: 0.1 } },
    ]);
    for (const name of ['count', 'eye', 'double', 'finder']) await there(name);
    await assert.rejects(() => sensor().getReadings(), /what \S*GetReadings answered cannot be read/);
    const value = { data: [1, 2, 3] };
    await assert.rejects(() => new sdk.MLModelClient(robot, 'double').infer({
      tensors: { x: { shape: [1n, 3n], tensor: { case: 'floatTensor', value } } },
    }));
    await assert.rejects(() => new sdk.VisionClient(robot, 'finder').getDetectionsFromCamera('eye'));
    assert.ok(server.running);
  });

  it('and hangs in one call holds up nobody else', async () => {
    configure([module('gizmo.py')]);
    await there();
    const hanging = rawCall(server.url, 'viam.component.sensor.v1.SensorService/DoCommand',
      Buffer.concat([named('count'), flag('freeze')]), { 'grpc-timeout': '700m' });
    await sleep(200);
    const others = await Promise.all(Array.from({ length: 20 }, () => camera.getImages()));
    assert.equal(others.length, 20);
    assert.equal((await hanging).status, 4, 'DEADLINE_EXCEEDED');
  });

  it('and never answers ValidateConfig or AddResource keeps nobody waiting', async () => {
    configure([module('rogue.py', { ROGUE: 'validate' })]);
    await eventually(async () => /deadline/i.test((await stateOf('count'))?.error ?? ''), 30_000);
    await there('own');
    configure([module('rogue.py', { ROGUE: 'add' })], [count, { name: 'late', api: 'rdk:component:sensor', model: 'fake' }]);
    await there('late');
    assert.equal((await stateOf('late')).state, 3, 'READY, though another one hangs');
  });

  it('and stops reading fills its socket, not our memory', async () => {
    configure([module('gizmo.py')]);
    await there();
    rawCall(server.url, 'viam.component.sensor.v1.SensorService/DoCommand',
      Buffer.concat([named('count'), flag('freeze')]), { 'grpc-timeout': '100m' }).catch(() => {});
    await sleep(300);
    // A connection of its own: Node's HTTP/2 forgets calls beside many that are given up at once.
    const other = await dial(server.url, 'grpc');
    const before = server.residentMb();
    const text = 'x'.repeat(1 << 20);
    const calls = Array.from({ length: 40 }, () =>
      sensor().doCommand(Struct.fromJson({ text }), { timeoutMs: 1000 }).then(() => 'answered', () => 'ended'));
    await new sdk.CameraClient(other, 'own').getImages();
    assert.deepEqual([...new Set(await Promise.all(calls))], ['ended']);
    await sleep(500);
    const grown = server.residentMb() - before;
    assert.ok(grown < 250, `${grown} MB`);
    await robot.restartModule(undefined, 'rogue');
    await eventually(async () => (await command({})).pid > 0, 30_000);
  });

  it('and leaves children and daemons behind leaves nothing', async () => {
    configure([module('rogue.py', { ROGUE: 'daemon', SLEEP, LEAVE_A_CHILD: '1' })]);
    await there();
    assert.equal(processes(SLEEP).length, 1);
    const { pid } = await command({});
    process.kill(pid, 'SIGKILL');
    await eventually(async () => (await command({})).pid !== pid, 30_000);
    assert.equal(processes(SLEEP).length, 1, 'that of the new one');
    configure([]);
    await eventually(() => processes(SLEEP).length === 0, 30_000);
    await says(/left \d+ processes behind: ended/);
  });

  it('and talks without end by RobotService.Log is cut short', async () => {
    configure([module('rogue.py', { ROGUE: 'talk' })]);
    await there();
    const lines = () => server.output.split('\n').filter((line) => /talk \d+/.test(line)).length;
    const before = lines();
    await sleep(3000);
    assert.ok(lines() - before <= 450, `${lines() - before} lines in 3 s`);
    await says(/talker: \d+ more lines in one second are left out|\d+ more lines in one second are left out/);
  });

  it('and dies in the middle of a stream ends the stream', async () => {
    configure([module('gizmo.py')], [count, { name: 'g', api: 'acme:component:gizmo', model: 'test:demo:gizmo' }]);
    await there('g');
    const call = await rawCall(server.url, `${GIZMO}/CountTo`, Buffer.concat([named('g'), flag('die')]));
    assert.equal(call.status, 14, `UNAVAILABLE: ${call.message}`);
    assert.ok(call.messages.length <= 1);
    await eventually(async () => (await rawCall(server.url, `${GIZMO}/CountTo`, named('g'))).messages.length === 3, 30_000);
  });

  it('and brings a model that another has does not get it, until that one goes', async () => {
    configure([module('gizmo.py')]);
    await there();
    const first = (await command({})).pid;
    configure([module('gizmo.py'), { ...module('gizmo.py'), name: 'second' }]);
    await says(/second brings test:demo:counter of rdk:component:sensor, which is there already: not taken/);
    assert.equal((await command({})).pid, first);
    configure([{ ...module('gizmo.py'), name: 'second' }]);
    await eventually(async () => (await command({})).pid !== first, 30_000);
  });

  it('and wants more than it may have does not get it', async () => {
    configure([module('gizmo.py', {}, { limits: { memory_mb: 700, open_files: 77, nice: 7 } })]);
    await there();
    assert.deepEqual(await command({ limits: true }), { files: 77, memory: 700 << 20, nice: 7 });
    configure([module('gizmo.py', {}, { limits: { memory: 7 } })]);
    await says(/limits\.memory is no limit/);
  });

  it('is reached by TCP where it asks for that', async () => {
    configure([module('gizmo.py', {}, { tcp_mode: true })]);
    await there();
    assert.match(server.output, /argv \['127\.0\.0\.1:\d+', '--tcp-mode'\]/);
    assert.equal((await sensor().getReadings()).count, 1);
  });

  it('has a socket also where the folder for temporary files has a long name', async () => {
    const long = path.join(mkdtempSync(path.join(tmpdir(), 'bowerbird-long-')), 'n'.repeat(120));
    mkdirSync(long);
    const other = await Server.start({
      config: { modules: [module('gizmo.py', {}, { name: 'm'.repeat(150) })], components: [count] },
      env: { TMPDIR: long },
    });
    try {
      const there = await dial(other.url, 'grpc');
      await eventually(async () => (await there.resourceNames()).some(({ name }) => name === 'count'), 30_000);
    } finally {
      await other.close();
      rmSync(path.dirname(long), { recursive: true });
    }
  });
});
