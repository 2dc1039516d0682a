// SPDX-License-Identifier: Apache-2.0
//
// bowerbird train and bowerbird model, run as a person runs them, against a server of their own.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, describe, it } from 'node:test';
import { connectHub } from '../conformance/hub.mjs';
import { program } from '../server.mjs';
import { KINDS, makeDataset, startHub } from './hub.mjs';

after(() => setTimeout(() => process.exit(), 200).unref());

describe('the commands of training', { timeout: 300_000 }, () => {
  let server, folder;
  before(async () => {
    server = await startHub();
    folder = mkdtempSync(path.join(tmpdir(), 'bowerbird-training-'));
    await makeDataset(await connectHub(server.url, 'grpc'), 'things');
  });
  after(async () => {
    await server?.close();
    rmSync(folder, { recursive: true, force: true });
  });

  function run(...args) {
    const done = spawnSync(program, [...args, '--host', server.url], { encoding: 'utf8', cwd: folder });
    return { status: done.status, out: done.stdout, error: done.stderr };
  }
  function json(...args) {
    const done = run(...args, '--json');
    assert.equal(done.status, 0, done.error);
    return done.out.trim() === '' ? [] : done.out.trim().split('\n').map((line) => JSON.parse(line));
  }

  it('submits a job by the name of its dataset and waits for its end', () => {
    const done = run('train', 'submit', '--dataset', 'things', '--version', 'v1', '--wait');
    assert.equal(done.status, 0, done.error);
    assert.match(done.out, /completed.*things v1/);
    const [job] = json('train', 'list', '--status', 'completed');
    assert.equal(job.model_version, 'v1');
    const [whole] = json('train', 'get', job.id);
    assert.equal(whole.training.snapshot_id.length, 64);
  });

  it('tells every step of a job once, also to who follows it', () => {
    const [{ id }] = json('train', 'submit', '--dataset', 'things', '--version', 'followed');
    const followed = json('train', 'logs', id, '--follow');
    const begins = followed.filter((line) => line.message.startsWith('training begins'));
    assert.equal(begins.length, 1);
    assert.deepEqual(followed, json('train', 'logs', id));
    assert.equal(followed.at(-1).message, 'the model is registered');
  });

  it('watches a job until it has ended', () => {
    const [{ id }] = json('train', 'submit', '--dataset', 'things', '--version', 'watched');
    const news = json('train', 'watch', id);
    const phases = news.flatMap((one) => one.points ?? []).map((point) => point.phase);
    assert.ok(phases.includes('features'), JSON.stringify(news));
    assert.equal(news.at(-1).status, 'TRAINING_STATUS_COMPLETED');
  });

  it('pulls a model whole, and tells what it was made of', () => {
    const [model] = json('model', 'pull', 'things', '--version', 'v1', '--out', 'pulled');
    assert.deepEqual(model.labels, KINDS);
    const pulled = path.join(folder, 'pulled');
    assert.deepEqual(readdirSync(pulled).sort(), model.files.map((file) => file.name).sort());
    for (const file of model.files) {
      const bytes = readFileSync(path.join(pulled, file.name));
      assert.equal(createHash('sha256').update(bytes).digest('hex'), file.sha256);
    }
    const items = json('model', 'lineage', 'things', '--version', 'v1').flatMap((one) => one.items ?? []);
    assert.equal(items.length, 30);
  });

  it('fails with what, which and what to do', () => {
    const twice = run('train', 'submit', '--dataset', 'things', '--version', 'v1');
    assert.equal(twice.status, 1);
    assert.match(twice.error, /v1/);
    const nothing = run('train', 'submit', '--dataset', 'nothing');
    assert.equal(nothing.status, 1);
    assert.match(nothing.error, /nothing/);
    const [job] = json('train', 'list');
    const late = run('train', 'cancel', job.id);
    assert.equal(late.status, 1);
    assert.match(late.error, /has ended/);
    assert.equal(run('train', 'delete', job.id).status, 0);
    assert.equal(run('train', 'get', job.id).status, 1);
    assert.equal(run('model', 'pull', 'nothing').status, 1);
    assert.equal(run('train', 'submit', '--dataset', 'things', '--type', 'poem').status, 2);
  });
});
