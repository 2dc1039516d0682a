// SPDX-License-Identifier: Apache-2.0
//
// Machines that have other machines as remotes: TLS and keys, what is lost and comes back, loops.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, afterEach, before, describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { Struct } from '@viamrobotics/sdk';
import { dial, sdk } from '../conformance/clients.mjs';
import { eventually, freePort, Server } from '../server.mjs';
import { pythonMessages } from './messages.mjs';
import { named, rawCall } from './raw.mjs';

const here = path.dirname(fileURLToPath(import.meta.url));
const hasGrpc = spawnSync('/usr/bin/python3', ['-c', 'import grpc, google.protobuf']).status === 0;
const RED = { segment_size_px: 1, detect_color: '#ff0000', hue_tolerance_pct: 0.3 };

after(() => setTimeout(() => process.exit(), 200).unref());

const camera = (name) => ({
  name, api: 'rdk:component:camera', model: 'fake', attributes: { width: 64, height: 48 },
});
const sensor = (name) => ({ name, api: 'rdk:component:sensor', model: 'fake' });

describe('remotes', () => {
  const servers = [];
  let folder, certificate, key;

  async function start(config, options = {}) {
    const server = await Server.start({ config, ...options });
    servers.push(server);
    return server;
  }
  const remote = (server, fields = {}) => ({
    name: 'far', address: `localhost:${server.port}`, insecure: true, reconnect_interval: '200ms',
    connection_check_interval: '500ms', ...fields,
  });
  const names = async (robot) => (await robot.resourceNames()).map(({ name }) => name);
  const stateOf = async (robot, name) => (await robot.getMachineStatus()).resources.find((resource) => resource.name?.name === name);
  const has = (robot, name) => eventually(async () => (await names(robot)).includes(name), 30_000);
  const hasNot = (robot, name) => eventually(async () => !(await names(robot)).includes(name), 30_000);

  before(() => {
    folder = mkdtempSync(path.join(tmpdir(), 'bowerbird-remotes-'));
    certificate = path.join(folder, 'cert.pem');
    key = path.join(folder, 'key.pem');
    const done = spawnSync('openssl', [
      ...['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'],
      ...['-keyout', key, '-out', certificate, '-days', '2', '-subj', '/CN=localhost'],
      ...['-addext', 'subjectAltName=DNS:localhost,IP:127.0.0.1'],
    ]);
    assert.equal(done.status, 0, `openssl: ${done.stderr}`);
  });
  afterEach(async () => {
    while (servers.length > 0) await servers.pop().close();
  });
  after(() => rmSync(folder, { recursive: true, force: true }));

  it('are used like what is here, and built-in services work on them', async () => {
    const far = await start({ components: [camera('eye'), sensor('temp')] });
    const near = await start({
      remotes: [remote(far, { prefix: 'f-' })],
      services: [{ name: 'red', api: 'rdk:service:vision', model: 'color_detector', attributes: { ...RED, default_camera: 'far:f-eye' } }],
    });
    const robot = await dial(near.url, 'grpc');
    await has(robot, 'f-eye');
    await has(robot, 'red');
    assert.deepEqual(await new sdk.SensorClient(robot, 'f-temp').getReadings(), { a: 1, b: 2, c: 3 });
    assert.deepEqual(await new sdk.SensorClient(robot, 'far:f-temp').getReadings(), { a: 1, b: 2, c: 3 });
    const { images } = await new sdk.CameraClient(robot, 'f-eye').getImages();
    assert.ok(images[0].image.length > 100);
    await new sdk.VisionClient(robot, 'red').getDetectionsFromCamera('f-eye');
    const status = await stateOf(robot, 'far');
    assert.equal(status.state, 3, 'READY');
    assert.equal(status.name.type, 'remote');
  });

  it('that are killed take what depends on them, and bring it back', async () => {
    const far = await start({ components: [camera('eye')] });
    const near = await start({
      remotes: [remote(far)],
      components: [
        { name: 'small', api: 'rdk:component:camera', model: 'transform', attributes: { source: 'eye', pipeline: [{ type: 'resize', attributes: { width_px: 32, height_px: 24 } }] } },
        sensor('own'),
      ],
    });
    const robot = await dial(near.url, 'grpc');
    await has(robot, 'small');
    await new sdk.CameraClient(robot, 'small').getImages();
    for (let round = 0; round < 3; ++round) {
      far.child.kill('SIGKILL');
      await hasNot(robot, 'small');
      assert.match((await stateOf(robot, 'small')).error, /remote "far" at localhost:\d+: /);
      assert.equal((await stateOf(robot, 'far')).state, 5, 'UNHEALTHY');
      await assert.rejects(() => new sdk.CameraClient(robot, 'eye').getImages(), /remote "far"/);
      assert.deepEqual(await new sdk.SensorClient(robot, 'own').getReadings(), { a: 1, b: 2, c: 3 });
      await far.exited;
      await far.launch();
      await has(robot, 'small');
      await new sdk.CameraClient(robot, 'small').getImages();
    }
  });

  it('are asked with a key over TLS, and refused with a wrong authority or no key', async () => {
    const far = await start({ components: [sensor('temp')], auth: { handlers: [{ type: 'api-key', config: { keys: ['id'], id: 'secret' } }] } },
      { args: ['--tls-cert', certificate, '--tls-key', key], ready: false });
    await eventually(async () => /listens at/.test(far.output));
    const auth = { entity: 'id', credentials: { type: 'api-key', payload: 'secret' } };
    const near = await start({ remotes: [remote(far, { insecure: false, tls_ca: certificate, auth })] });
    const robot = await dial(near.url, 'grpc');
    await has(robot, 'temp');
    assert.deepEqual(await new sdk.SensorClient(robot, 'temp').getReadings(), { a: 1, b: 2, c: 3 });
    const lost = async (fields, pattern) => {
      near.configure({ remotes: [remote(far, { insecure: false, ...fields })] });
      await eventually(async () => pattern.test((await stateOf(robot, 'far'))?.error ?? ''), 30_000);
      await hasNot(robot, 'temp');
    };
    await lost({ auth }, /certificate|handshake|connect/i);  // the system does not trust it
    await lost({ tls_ca: certificate }, /authentication required/);
    await lost({ tls_ca: certificate, auth: { entity: 'id', credentials: { type: 'api-key', payload: 'wrong' } } }, /does not take the key "id"/);
    await lost({ tls_ca: key, auth }, /has no certificate in it/);
    assert.ok(!near.output.includes('wrong"'), 'secrets are not told');
    near.configure({ remotes: [remote(far, { insecure: false, tls_ca: certificate, auth })] });
    await has(robot, 'temp');
    // Revoked there.
    far.configure({ components: [sensor('temp')], auth: { handlers: [{ type: 'api-key', config: { keys: ['other'], other: 'another' } }] } });
    await eventually(async () => /does not take the key "id"/.test((await stateOf(robot, 'far')).error), 30_000);
    await hasNot(robot, 'temp');
  });

  it('that lead back are refused, for as long as they do', async () => {
    const port = await freePort();
    const a = await start({ components: [sensor('a')] });
    const b = await start({ components: [sensor('b')], remotes: [remote(a, { name: 'a' })] }, { args: ['--listen', `127.0.0.1:${port}`], ready: false });
    await eventually(async () => (await fetch(`http://localhost:${port}/healthz`)).ok);
    a.configure({ components: [sensor('a')], remotes: [remote({ port }, { name: 'b' })] });
    const robot = await dial(a.url, 'grpc');
    await eventually(async () => /a loop/.test((await stateOf(robot, 'b'))?.error ?? ''), 30_000);
    const other = await dial(`http://localhost:${port}`, 'grpc');
    await eventually(async () => /a loop/.test((await stateOf(other, 'a'))?.error ?? ''), 30_000);
    for (let look = 0; look < 10; ++look) {
      assert.deepEqual((await names(robot)).filter((name) => name.length < 9 && name !== 'motion').sort(), ['a']);
      await new Promise((resolve) => setTimeout(resolve, 200));
    }
    a.configure({ components: [sensor('a')] });
    await has(other, 'a');
    // One that is its own remote.
    a.configure({ components: [sensor('a')], remotes: [remote(a, { name: 'self' })] });
    await eventually(async () => /a loop/.test((await stateOf(robot, 'self'))?.error ?? ''), 30_000);
  });

  it('whose names are taken are there under the long ones', async () => {
    const one = await start({ components: [sensor('temp'), sensor('same')] });
    const two = await start({ components: [sensor('same')] });
    const near = await start({ components: [sensor('temp')], remotes: [remote(one, { name: 'one' }), remote(two, { name: 'two' })] });
    const robot = await dial(near.url, 'grpc');
    for (const name of ['one:temp', 'same', 'two:same']) await has(robot, name);
    for (const name of ['temp', 'one:temp', 'one:same', 'two:same'])
      assert.deepEqual(await new sdk.SensorClient(robot, name).getReadings(), { a: 1, b: 2, c: 3 });
  });

  it('are listed with what is wrong with their entries', async () => {
    const near = await start({ remotes: [
      { name: 'half', address: 'localhost:1', insecure: true, auth: { credentials: { type: 'api-key' } } },
      { name: 'soon', address: 'localhost:1', insecure: true, reconnect_interval: 'soon' },
      { name: 'nowhere' },
    ] });
    const robot = await dial(near.url, 'grpc');
    await eventually(async () => /type and payload go together/.test((await stateOf(robot, 'half'))?.error ?? ''));
    await eventually(async () => /is not a duration/.test((await stateOf(robot, 'soon'))?.error ?? ''));
    await eventually(async () => /address/.test((await stateOf(robot, 'nowhere'))?.error ?? ''));
  });

  it('forward APIs that neither machine knows', { skip: hasGrpc ? false : 'python3-grpcio is not installed' }, async () => {
    const messages = pythonMessages();
    try {
      const far = await start({
        modules: [{ name: 'm', type: 'local', executable_path: path.join(here, 'gizmo.py'), env: { PYTHONPATH: messages.folder } }],
        components: [{ name: 'g', api: 'acme:component:gizmo', model: 'test:demo:gizmo' }, { name: 'count', api: 'rdk:component:sensor', model: 'test:demo:counter' }],
        services: [{ name: 'double', api: 'rdk:service:mlmodel', model: 'test:demo:double' }],
      });
      const near = await start({ remotes: [remote(far, { prefix: 'f-' })] });
      const robot = await dial(near.url, 'grpc');
      for (const name of ['f-g', 'f-count', 'f-double']) await has(robot, name);
      const service = 'acme.component.gizmo.v1.GizmoService';
      const one = await rawCall(near.url, `${service}/DoOne`, named('f-g'));
      assert.equal(one.status, 0, one.message);
      assert.equal((await rawCall(near.url, `${service}/CountTo`, named('far:f-g'))).messages.length, 3);
      assert.ok((await new sdk.SensorClient(robot, 'f-count').doCommand(Struct.fromJson({}))).pid > 0);
      const value = { data: [1, 2, 3] };
      const { outputTensors } = await new sdk.MLModelClient(robot, 'f-double').infer({ tensors: { x: { shape: [1n, 3n], tensor: { case: 'floatTensor', value } } } });
      assert.deepEqual([...outputTensors.tensors.y.tensor.value.data], [2, 4, 6]);
    } finally {
      messages.close();
    }
  });
});
