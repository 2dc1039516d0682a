// SPDX-License-Identifier: Apache-2.0
//
// Two hubs where there may be one: on one data directory, and on one PostgreSQL database. The second
// ends with a message that names what is taken, the first goes on, and what it has is there for the
// next one.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, describe, it } from 'node:test';
import { connectHub } from '../conformance/hub.mjs';
import { freePort, program, Server } from '../server.mjs';
import { Postgresql } from './stores.mjs';

after(() => setTimeout(() => process.exit(), 200).unref());

const postgresql = await Postgresql.start();
after(() => postgresql?.close());
const withoutPostgresql =
  postgresql === null && 'PostgreSQL is not installed: apt-get install postgresql';

const content = (number) => new Uint8Array(20_000).map((_, i) => (i * 7 + number) & 255);

async function upload(hub, number) {
  const time = new Date(Date.UTC(2026, 0, 1, 0, 0, number));
  return hub.data.binaryDataCaptureUpload(
    ...[content(number), hub.partId, 'rdk:component:camera', 'cam', 'ReadImage', '.bin'],
    [time, time],
  );
}

async function idsOf(hub) {
  const { data } = await hub.data.binaryDataByFilter({ componentName: 'cam' }, 100);
  return data.map((item) => item.metadata.binaryDataId).sort();
}

/** Starts another hub on the data directory and waits for its end; gives what it wrote. */
async function refused(folder, ...more) {
  const listen = `127.0.0.1:${await freePort()}`;
  const args = ['serve', '--role', 'hub', '--data-dir', folder, '--listen', listen, ...more];
  const { status, signal, stderr } = spawnSync(program, args, { encoding: 'utf8', timeout: 20_000 });
  assert.deepEqual({ status, signal }, { status: 1, signal: null }, stderr);
  return stderr;
}

describe('a second hub on the same data directory', () => {
  let first;
  before(async () => {
    first = await Server.start({ config: {}, args: ['--role', 'hub'] });
  });
  after(() => first?.close());

  it('is refused with the name of the directory, however often, and the first goes on', async () => {
    const hub = await connectHub(first.url, 'grpc');
    const ids = [await upload(hub, 1)];
    const folder = `${first.folder}/data`;
    for (let attempt = 0; attempt < 3; attempt += 1) {
      const output = await refused(folder);
      assert.ok(output.includes(folder), `the directory is not named: ${output}`);
      assert.match(output, /another|in use|already/);
      ids.push(await upload(hub, 2 + attempt));
    }
    assert.deepEqual(await idsOf(hub), ids.sort());
  });

  it('starts when the first was killed, and has what that acknowledged', async () => {
    const hub = await connectHub(first.url, 'grpc');
    const id = await upload(hub, 50);
    const known = await idsOf(hub);
    await first.stop('SIGKILL');
    await first.launch();
    const next = await connectHub(first.url, 'grpc');
    assert.deepEqual(await idsOf(next), known);
    assert.equal(await upload(next, 50), id);
    assert.deepEqual(await idsOf(next), known);
  });
});

describe('a second hub on the same PostgreSQL database', { skip: withoutPostgresql }, () => {
  const elsewhere = mkdtempSync(path.join(tmpdir(), 'bowerbird-second-'));
  let first, database;
  before(async () => {
    database = postgresql.createDatabase();
    first = await Server.start({ config: {}, args: ['--role', 'hub', '--database', database] });
  });
  after(async () => {
    await first?.close();
    rmSync(elsewhere, { recursive: true, force: true });
  });

  it('is refused, and the first goes on', async () => {
    const hub = await connectHub(first.url, 'grpc');
    const ids = [await upload(hub, 1)];
    const output = await refused(elsewhere, '--database', database);
    assert.match(output, /another process uses this PostgreSQL database/);
    ids.push(await upload(hub, 2));
    assert.deepEqual(await idsOf(hub), ids.sort());
  });

  it('is refused in the moment in which the first loses its connections, too', async () => {
    const hub = await connectHub(first.url, 'grpc');
    const known = await idsOf(hub);
    postgresql.dropConnections(database);
    // Whichever asks first has the database; there is never a moment with two.
    const id = await upload(hub, 3).catch(() => upload(hub, 3));
    const output = await refused(elsewhere, '--database', database);
    assert.match(output, /another process uses this PostgreSQL database/);
    assert.deepEqual(await idsOf(hub), [...known, id].sort());
  });

  it('starts at once after the first was killed', async () => {
    const hub = await connectHub(first.url, 'grpc');
    const uploading = Promise.allSettled(Array.from({ length: 20 }, (_, i) => upload(hub, 100 + i)));
    await first.stop('SIGKILL');
    await first.launch();
    const acknowledged = (await uploading).filter((one) => one.status === 'fulfilled');
    const next = await connectHub(first.url, 'grpc');
    const found = await idsOf(next);
    for (const { value } of acknowledged) assert.ok(found.includes(value), `${value} is lost`);
    // Sent again, each is there once.
    for (let i = 0; i < 20; i += 1) await upload(next, 100 + i);
    const all = await idsOf(next);
    assert.equal(new Set(all).size, all.length);
    assert.equal(all.length, 3 + 20);
  });
});
