// SPDX-License-Identifier: Apache-2.0
//
// bowerbird data and bowerbird dataset, run as a person runs them, against a server of their own.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, describe, it } from 'node:test';
import { freePort, program, Server } from '../server.mjs';
import { png } from './pictures.mjs';

describe('the commands of a hub', () => {
  let server, folder, coco;
  before(async () => {
    server = await Server.start({ config: {}, args: ['--role', 'hub'] });
    folder = mkdtempSync(path.join(tmpdir(), 'bowerbird-commands-'));
    coco = path.join(folder, 'coco');
    mkdirSync(coco);
    const images = [];
    const annotations = [];
    for (let i = 1; i <= 3; ++i) {
      writeFileSync(path.join(coco, `p${i}.png`), png(40, 20, 60 * i));
      images.push({ id: i, file_name: `p${i}.png`, width: 40, height: 20 });
      annotations.push({ id: i, image_id: i, category_id: 1, bbox: [4, 2, 10 * i, 10], area: 1, iscrowd: 0 });
    }
    images.push({ id: 9, file_name: 'gone.png', width: 40, height: 20 });
    writeFileSync(
      path.join(coco, 'annotations.json'),
      JSON.stringify({ images, annotations, categories: [{ id: 1, name: 'box' }] }),
    );
  });
  after(async () => {
    await server?.close();
    rmSync(folder, { recursive: true, force: true });
  });

  function run(...args) {
    const done = spawnSync(program, [...args, '--host', server.url], { encoding: 'utf8' });
    return { status: done.status, out: done.stdout, error: done.stderr };
  }
  function json(...args) {
    const done = run(...args, '--json');
    assert.equal(done.status, 0, done.error);
    return done.out.trim() === '' ? [] : done.out.trim().split('\n').map((line) => JSON.parse(line));
  }

  it('imports a dataset, names what it skipped, and twice is once', () => {
    for (let round = 0; round < 2; ++round) {
      const done = run('dataset', 'import', 'boxes', coco, '--format', 'coco', '--json');
      assert.equal(done.status, 1, 'a picture is missing');
      const report = JSON.parse(done.out.trim().split('\n')[0]);
      assert.equal(report.sent, 3);
      assert.equal(report.skipped, 1);
      assert.match(JSON.stringify(report.problems), /gone\.png/);
      assert.equal(report.new, round === 0 ? 3 : 0);
      assert.equal(report.unchanged, round === 0 ? 0 : 3);
      assert.equal(report.changed, 0);
    }
    const items = json('data', 'list');
    assert.equal(items.length, 3);
    assert.deepEqual(items.map((one) => one.boxes), [1, 1, 1]);
    assert.equal(json('dataset', 'list').length, 1);
  });

  it('exports it again, and fetches nothing the second time', () => {
    const out = path.join(folder, 'out');
    const [first] = json('dataset', 'export', 'boxes', '--destination', out, '--format', 'coco');
    assert.equal(first.fetched, 3);
    const files = readdirSync(out, { recursive: true }).map(String);
    const document = files.find((name) => name.endsWith('.json'));
    const before = readFileSync(path.join(out, document), 'utf8');
    assert.equal(JSON.parse(before).annotations.length, 3);
    const [again] = json('dataset', 'export', 'boxes', '--destination', out, '--format', 'coco');
    assert.equal(again.fetched, 0);
    assert.equal(again.kept, 3);
    assert.equal(readFileSync(path.join(out, document), 'utf8'), before);
  });

  it('tags, counts by tag, and takes tags away', () => {
    const [first] = json('data', 'list');
    run('data', 'tag', 'add', '--tags', 'good,new', '--binary-data-ids', first.id);
    assert.deepEqual(json('data', 'list', '--with-tags', 'good').map((one) => one.id), [first.id]);
    assert.equal(run('data', 'tag', 'remove', '--tags', 'good', '--with-tags', 'good').status, 0);
    assert.equal(json('data', 'list', '--with-tags', 'good').length, 0);
  });

  it('keeps a snapshot that a restore brings back', () => {
    const [before] = json('dataset', 'snapshot', 'boxes', '--validation', '0.3', '--seed', '7');
    const [again] = json('dataset', 'snapshot', 'boxes', '--validation', '0.3', '--seed', '7');
    assert.equal(again.id, before.id);
    assert.equal(again.existed, true);
    const [first] = json('data', 'list');
    json('dataset', 'remove', 'boxes', '--binary-data-ids', first.id);
    const [after] = json('dataset', 'snapshot', 'boxes', '--validation', '0.3', '--seed', '7');
    assert.notEqual(after.id, before.id);
    assert.equal(json('dataset', 'diff', before.id, after.id)[0].removed, 1);
    assert.equal(json('dataset', 'restore', before.id)[0].items_added, 1);
  });

  it('verifies what is stored', () => {
    const [report] = json('data', 'verify');
    assert.equal(report.problems, 0);
    assert.ok(report.checked >= 3);
  });

  it('deletes nothing by filter unless that is meant', () => {
    const refused = run('data', 'delete', '--mime-types', 'image/png');
    assert.equal(refused.status, 1);
    assert.match(refused.error, /would be deleted: say --yes/);
    assert.equal(json('data', 'list').length, 3);
  });

  it('says which server does not answer, and what to do', async () => {
    const done = spawnSync(program, ['data', 'list', '--host', `http://localhost:${await freePort()}`], {
      encoding: 'utf8',
    });
    assert.equal(done.status, 1);
    assert.match(done.stderr, /is `bowerbird serve` running there/);
  });

  it('ends with 2 for a command line that makes no sense', () => {
    assert.equal(run('data', 'tag', 'perhaps', '--tags', 'x').status, 2);
    assert.equal(spawnSync(program, ['data', 'list', '--host', 'nowhere']).status, 2);
    assert.equal(
      spawnSync(program, ['serve', '--role', 'machine', '--database', 'postgresql://x/y']).status,
      2,
    );
  });

  it('refuses a second server on the same data directory, naming the first', () => {
    const second = spawnSync(
      program,
      ['serve', '--role', 'hub', '--data-dir', path.join(server.folder, 'data'), '--listen', '127.0.0.1:0'],
      { encoding: 'utf8', timeout: 20_000 },
    );
    assert.equal(second.status, 1);
    assert.match(second.stderr, new RegExp(`process ${server.pid}\\b`));
  });
});
