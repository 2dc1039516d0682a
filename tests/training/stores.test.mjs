// SPDX-License-Identifier: Apache-2.0
//
// A hub over PostgreSQL and S3 trains; a new one over the same two, with an empty folder, has the model.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, describe, it } from 'node:test';
import { connectHub } from '../conformance/hub.mjs';
import { Postgresql, S3 } from '../hub/stores.mjs';
import { program } from '../server.mjs';
import { makeDataset, startHub } from './hub.mjs';
import { picture } from './pictures.mjs';

after(() => setTimeout(() => process.exit(), 200).unref());

const postgresql = await Postgresql.start();
const s3 = await S3.start();
after(async () => {
  await postgresql?.close();
  await s3?.close();
});
const skip =
  (postgresql === null && 'PostgreSQL is not installed: apt-get install postgresql') ||
  (s3 === null && 's3rver is not installed: npm ci --prefix tests');

function writePicture(folder) {
  const file = path.join(folder, 'disc.png');
  writeFileSync(file, picture('disc', 900).png);
  return file;
}
const run = (...args) => spawnSync(program, args, { encoding: 'utf8' });

describe('a hub over PostgreSQL and S3', { skip, timeout: 240_000 }, () => {
  let hub, folder;
  after(async () => {
    await hub?.close();
    if (folder) rmSync(folder, { recursive: true, force: true });
  });

  it('trains, and a new one in its place has the model', async () => {
    folder = mkdtempSync(path.join(tmpdir(), 'bowerbird-stores-'));
    const args = ['--database', postgresql.createDatabase(), '--blobs', s3.location('hub')];
    hub = await startHub(args, s3.env);
    await makeDataset(await connectHub(hub.url, 'grpc'), 'things', { count: 8 });
    const trained = run('train', 'submit', '--dataset', 'things', '--version', 'v1', '--wait', '--host', hub.url);
    assert.equal(trained.status, 0, trained.stderr);
    assert.ok(s3.objects('hub/models').length >= 4, s3.objects('hub/models').join());
    await hub.close();

    hub = await startHub(args, s3.env);
    const out = path.join(folder, 'things');
    const pulled = run('model', 'pull', 'things', '--out', out, '--host', hub.url);
    assert.equal(pulled.status, 0, pulled.stderr);
    assert.equal(readFileSync(path.join(out, 'model.tflite')).subarray(4, 8).toString(), 'TFL3');
    const near = run('model', 'neighbours', 'things', writePicture(folder), '--host', hub.url);
    assert.equal(near.status, 0, near.stderr);
    const verified = run('data', 'verify', '--host', hub.url);
    assert.equal(verified.status, 0, verified.stdout + verified.stderr);
  });
});
