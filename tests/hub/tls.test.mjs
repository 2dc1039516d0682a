// SPDX-License-Identifier: Apache-2.0
//
// A machine and a hub as two processes with TLS and keys between them: the hub's certificate is
// signed by an authority of the test's own. A wrong authority, a wrong key and a key that is revoked
// each say so, what was captured stays on the machine, and it is sent once things are right again.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import https from 'node:https';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, describe, it } from 'node:test';
import { camera } from '../capture/pair.mjs';
import { dial, sdk } from '../conformance/clients.mjs';
import { eventually, program, Server } from '../server.mjs';
import { capturedFiles } from '../durability/captured.mjs';
import { caller } from './services.mjs';
import { ADMIN, makeKey, services } from './world.mjs';

const folder = mkdtempSync(path.join(tmpdir(), 'bowerbird-hub-tls-'));
const file = (name) => path.join(folder, name);

function openssl(...args) {
  const done = spawnSync('openssl', args, { encoding: 'utf8' });
  assert.equal(done.status, 0, `openssl ${args.join(' ')}: ${done.stderr}`);
}
const newKey = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];

function makeAuthority(name) {
  openssl(
    ...['req', '-x509', ...newKey, '-days', '2', '-subj', `/CN=${name}`],
    ...['-keyout', file(`${name}.key`), '-out', file(`${name}.pem`)],
  );
  return file(`${name}.pem`);
}
function makeCertificate(authority) {
  openssl(
    ...['req', ...newKey, '-subj', '/CN=localhost'],
    ...['-keyout', file('hub.key'), '-out', file('hub.csr')],
  );
  writeFileSync(file('names'), 'subjectAltName=DNS:localhost,IP:127.0.0.1\n');
  openssl(
    ...['x509', '-req', '-days', '2', '-in', file('hub.csr'), '-out', file('hub.pem')],
    ...['-CA', file(`${authority}.pem`), '-CAkey', file(`${authority}.key`)],
    ...['-CAcreateserial', '-extfile', file('names')],
  );
}

const data = services['viam.app.data.v1.DataService'];
const app = services['viam.app.v1.AppService'];

describe('a machine and its hub behind TLS', () => {
  let hub, url, admin, robot, part, machine, authority;

  before(async () => {
    authority = makeAuthority('authority');
    makeCertificate('authority');
    const keys = { keys: [ADMIN.id], [ADMIN.id]: ADMIN.key };
    hub = await Server.start({
      config: { auth: { handlers: [{ type: 'api-key', config: keys }] } },
      args: ['--role', 'hub', '--tls-cert', file('hub.pem'), '--tls-key', file('hub.key')],
      ready: false,
    });
    url = `https://localhost:${hub.port}`;
    const ca = readFileSync(authority);
    await eventually(() => answers(`${url}/healthz`, ca));
    admin = caller(url, ADMIN, { nodeOptions: { ca } });
    const organization = (await admin(app, 'ListOrganizations', {})).organizations[0].id;
    const [location] = (await admin(app, 'ListLocations', { organizationId: organization })).locations;
    robot = (await admin(app, 'NewRobot', { name: 'far away', location: location.id })).id;
    part = (await admin(app, 'GetRobotParts', { robotId: robot })).parts[0].id;
  });
  after(async () => {
    await machine?.close();
    await hub?.close();
    rmSync(folder, { recursive: true, force: true });
    setTimeout(() => process.exit(), 200).unref();
  });

  const newMachineKey = () => makeKey(admin, 'robot', robot, 'operator', 'far away');
  const config = (folderOfCapture) => ({
    components: [
      camera('scene', 'fake', { width: 64, height: 48, animated: true }, {
        method: 'ReadImage',
        capture_frequency_hz: 5,
        additional_params: { mime_type: 'image/jpeg' },
      }),
    ],
    services: [
      {
        name: 'data',
        api: 'rdk:service:data_manager',
        model: 'rdk:builtin:builtin',
        attributes: { sync_interval_mins: 0.003, capture_dir: folderOfCapture },
      },
    ],
  });
  const linked = (certificate) => ['--role', 'machine', '--hub', url, '--hub-ca', certificate];
  const withKey = ({ id, key }) => ({ BOWERBIRD_API_KEY_ID: id, BOWERBIRD_API_KEY: key });

  /** The one machine, stopped and started again with another authority or key. */
  async function start(certificate, key) {
    if (machine === undefined) {
      const args = linked(certificate);
      machine = await Server.start({ config: config(file('capture')), args, env: withKey(key) });
      return;
    }
    await machine.stop();
    machine.args = linked(certificate);
    machine.env = withKey(key);
    await machine.launch();
  }
  async function status() {
    const client = new sdk.DataManagerClient(await dial(machine.url, 'grpc'), 'data');
    return (await client.doCommand(sdk.Struct.fromJson({ command: 'status' }))).sync;
  }
  const lastError = async (wanted) =>
    eventually(async () => {
      const { last_error: error } = await status();
      assert.match(error, wanted);
      return error;
    });
  async function atHub() {
    const request = { dataRequest: { filter: { robotId: robot } }, countOnly: true };
    return Number((await admin(data, 'BinaryDataByFilter', request)).count ?? 0);
  }
  const waiting = () => capturedFiles(file('capture')).length;
  /** So many more files lie there, and none goes. */
  async function pilesUp() {
    const before = await atHub();
    const files = waiting();
    await eventually(() => waiting() > files + 3);
    assert.equal(await atHub(), before);
    return waiting();
  }

  it('ends at once where the authority cannot be read', () => {
    for (const [wrong, text] of [
      [file('no-such-file.pem'), /certificate of the authority.*no-such-file\.pem/],
      [file('authority.key'), /has no certificate in it/],
    ]) {
      const where = ['--data-dir', file('unused'), '--listen', '127.0.0.1:0'];
      const done = spawnSync(program, ['serve', ...linked(wrong), ...where], { encoding: 'utf8' });
      assert.equal(done.status, 1, done.stderr);
      assert.match(done.stderr, text);
    }
  });

  it('says that the certificate is not trusted, and keeps what it captures', async () => {
    await start(makeAuthority('stranger'), await newMachineKey());
    await lastError(/certificate is not trusted.*--hub-ca|certificate is not trusted.*--ca-cert/);
    assert.match(machine.output, /certificate is not trusted/);
    await pilesUp();
  });

  it('says that the key is not taken, and keeps what it captures', async () => {
    const { id } = await newMachineKey();
    await start(authority, { id, key: 'not-its-secret' });
    await lastError(/api-key|API key/);
    await pilesUp();
  });

  it('sends everything once authority and key are right', { timeout: 60_000 }, async () => {
    const files = waiting();
    await start(authority, await newMachineKey());
    await eventually(async () => (await atHub()) >= files, 40_000);
    await eventually(() => waiting() < 3);
    const ofPart = { dataRequest: { filter: { partId: part } }, countOnly: true };
    assert.ok(Number((await admin(data, 'BinaryDataByFilter', ofPart)).count) >= files);
  });

  it('says that its key was revoked, keeps on capturing, and sends with the next one', { timeout: 90_000 }, async () => {
    const key = await newMachineKey();
    await start(authority, key);
    const before = await atHub();
    await eventually(async () => (await atHub()) > before + 2);
    await admin(app, 'DeleteKey', { id: key.id });
    await lastError(/refuses the API key/);
    const files = await pilesUp();
    const had = await atHub();
    await start(authority, await newMachineKey());
    await eventually(async () => (await atHub()) >= had + files, 40_000);
  });

  it('follows the part that the config names, without a restart', { timeout: 60_000 }, async () => {
    const spare = { robotId: robot, partName: 'second' };
    const { partId } = await admin(app, 'NewRobotPart', spare);
    const ofPart = { dataRequest: { filter: { partId } }, countOnly: true };
    const count = async () => Number((await admin(data, 'BinaryDataByFilter', ofPart)).count ?? 0);
    assert.equal(await count(), 0);
    machine.configure({ ...config(file('capture')), cloud: { id: partId } });
    await eventually(async () => (await count()) > 2, 30_000);
  });

  it('serves commands with the same certificate', () => {
    const done = spawnSync(
      program,
      ['data', 'list', '--host', url, '--ca-cert', authority, '--json'],
      { encoding: 'utf8', env: { ...process.env, ...withKey(ADMIN) } },
    );
    assert.equal(done.status, 0, done.stderr);
    assert.match(done.stdout, /"mime_type":"image\/jpeg"/);
    const untrusted = spawnSync(program, ['data', 'list', '--host', url], {
      encoding: 'utf8',
      env: { ...process.env, ...withKey(ADMIN) },
    });
    assert.equal(untrusted.status, 1);
    assert.match(untrusted.stderr, /certificate is not trusted: .*--ca-cert/);
  });
});

function answers(where, ca) {
  return new Promise((resolve) => {
    https
      .get(where, { ca }, (response) => {
        response.resume();
        resolve(response.statusCode === 200);
      })
      .on('error', () => resolve(false));
  });
}
