// SPDX-License-Identifier: Apache-2.0
//
// bowerbird data import: what is wrong with a folder, importing again after changes, following a
// folder, being killed, a hub that goes away.
import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import {
  appendFileSync,
  closeSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  renameSync,
  rmSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { program, Server } from '../server.mjs';
import { png } from './pictures.mjs';

const picture = (number) => png(20, 12, number % 256);

describe('data import', () => {
  let server, root;
  before(async () => {
    server = await Server.start({ config: {}, args: ['--role', 'hub'] });
    root = mkdtempSync(path.join(tmpdir(), 'bowerbird-import-'));
  });
  after(async () => {
    await server?.close();
    rmSync(root, { recursive: true, force: true });
  });

  function folder(name) {
    const made = path.join(root, name);
    mkdirSync(made, { recursive: true });
    return made;
  }
  function run(...args) {
    const done = spawnSync(program, [...args, '--host', server.url], {
      encoding: 'utf8',
      maxBuffer: 64 << 20,
    });
    return { status: done.status, out: done.stdout, error: done.stderr };
  }
  const report = (done) => JSON.parse(done.out.trim().split('\n').at(-1));
  function dataset(name, directory, ...args) {
    return run('dataset', 'import', name, directory, '--json', ...args);
  }
  /** The items of one import, by its tag. */
  function items(tag) {
    const done = run('data', 'list', '--with-tags', tag, '--json');
    assert.equal(done.status, 0, done.error);
    return done.out.trim() === '' ? [] : done.out.trim().split('\n').map((line) => JSON.parse(line));
  }
  async function until(what, limitMs = 30_000) {
    const end = Date.now() + limitMs;
    while (!(await what())) {
      assert.ok(Date.now() < end, `not within ${limitMs} ms: ${what}`);
      await sleep(100);
    }
  }
  /** An import that follows a folder; end() is Ctrl-C. */
  function follow(directory, tag, ...args) {
    const child = spawn(
      program,
      ['data', 'import', directory, '--follow', '--tags', tag, '--json', '--host', server.url, ...args],
      { stdio: ['ignore', 'pipe', 'pipe'] },
    );
    const text = { out: '', error: '' };
    child.stdout.on('data', (chunk) => (text.out += chunk));
    child.stderr.on('data', (chunk) => (text.error += chunk));
    const exited = new Promise((resolve) => child.once('close', (status) => resolve(status)));
    return {
      text,
      async end() {
        child.kill('SIGINT');
        return { status: await exited, out: text.out, error: text.error };
      },
    };
  }
  function coco(directory, count, box) {
    const images = [];
    const annotations = [];
    for (let i = 1; i <= count; ++i) {
      images.push({ id: i, file_name: `p${i}.png`, width: 20, height: 12 });
      annotations.push({ id: i, image_id: i, category_id: 1, bbox: box(i), area: 1, iscrowd: 0 });
    }
    return JSON.stringify({ images, annotations, categories: [{ id: 1, name: 'box' }] });
  }

  it('does not take a folder with torn annotations for a folder of pictures', () => {
    const torn = folder('torn');
    writeFileSync(path.join(torn, 'p1.png'), picture(1));
    writeFileSync(path.join(torn, 'instances.json'), coco(torn, 1, () => [1, 1, 2, 2]).slice(0, 20));
    const refused = run('data', 'import', torn, '--tags', 'torn');
    assert.equal(refused.status, 1);
    assert.match(refused.error, /instances\.json.*ends in the middle.*--format image-folder/s);
    assert.equal(items('torn').length, 0);
    const forced = run('data', 'import', torn, '--tags', 'torn', '--format', 'image-folder');
    assert.equal(forced.status, 0, forced.error);
    assert.match(forced.error, /file not used: instances\.json/);
    assert.equal(items('torn').length, 1);
  });

  it('lets a README alone', () => {
    const plain = folder('plain');
    writeFileSync(path.join(plain, 'p1.png'), picture(2));
    writeFileSync(path.join(plain, 'README.txt'), 'Pictures of the yard.\n');
    const done = run('data', 'import', plain, '--tags', 'plain');
    assert.equal(done.status, 0, done.error);
    assert.equal(done.error, '');
  });

  it('changes what has changed when it is imported again, and doubles nothing', () => {
    const again = folder('again');
    const file = path.join(again, 'instances.json');
    for (let i = 1; i <= 3; ++i) writeFileSync(path.join(again, `p${i}.png`), picture(10 + i));
    writeFileSync(file, coco(again, 3, (i) => [i, 1, 4, 4]));
    const counts = (done) => {
      assert.equal(done.status, 0, done.error + done.out);
      const { new: added, changed, unchanged } = report(done);
      return { added, changed, unchanged };
    };
    const first = dataset('again', again, '--tags', 'again');
    assert.deepEqual(counts(first), { added: 3, changed: 0, unchanged: 0 });
    const before = JSON.parse(run('dataset', 'snapshot', 'again', '--json').out).id;
    writeFileSync(file, coco(again, 3, (i) => [i === 2 ? 5 : i, 1, 4, 4]));
    assert.deepEqual(counts(dataset('again', again, '--tags', 'again')), { added: 0, changed: 1, unchanged: 2 });
    const second = JSON.parse(run('dataset', 'snapshot', 'again', '--json').out).id;
    const difference = JSON.parse(run('dataset', 'diff', before, second, '--json').out.split('\n')[0]);
    assert.equal(difference.annotation_changed, 1);
    assert.equal(difference.unchanged, 2);
    writeFileSync(file, coco(again, 3, (i) => [i, 1, 4, 4]));
    assert.deepEqual(counts(dataset('again', again, '--tags', 'again', '--keep-labels')), {
      added: 0,
      changed: 0,
      unchanged: 3,
    });
    assert.deepEqual(counts(dataset('again', again, '--tags', 'again')), { added: 0, changed: 1, unchanged: 2 });
    assert.equal(JSON.parse(run('dataset', 'snapshot', 'again', '--json').out).id, before);
    assert.equal(items('again').length, 3);
  });

  it('puts pictures that are there already into another dataset', () => {
    const shared = folder('shared');
    writeFileSync(path.join(shared, 'p.png'), picture(20));
    assert.equal(dataset('one', shared, '--tags', 'shared').status, 0);
    assert.equal(dataset('two', shared, '--tags', 'shared').status, 0);
    const [only, ...others] = items('shared');
    assert.equal(others.length, 0);
    assert.equal(only.dataset_ids.length, 2);
  });

  it('is completed by the same command after kill -9, and nothing is there twice', async () => {
    const many = folder('many');
    const count = 600;
    for (let i = 1; i <= count; ++i) writeFileSync(path.join(many, `p${i}.png`), picture(i));
    writeFileSync(path.join(many, 'instances.json'), coco(many, count, () => [1, 1, 5, 5]));
    for (const delay of [150, 300]) {
      const child = spawn(program, ['data', 'import', many, '--tags', 'many', '--host', server.url]);
      const exited = new Promise((resolve) => child.once('exit', resolve));
      await sleep(delay);
      child.kill('SIGKILL');
      await exited;
    }
    const done = run('data', 'import', many, '--tags', 'many', '--json');
    assert.equal(done.status, 0, done.error);
    assert.equal(report(done).sent, count);
    assert.equal(report(done).changed, 0);
    const there = items('many');
    assert.equal(new Set(there.map((one) => one.file_name)).size, count);
    assert.equal(there.length, count);
    assert.ok(there.every((one) => one.boxes === 1));
  });

  it('follows a folder: new files, new folders, renamed files, never half of one', async () => {
    const watched = folder('watched');
    writeFileSync(path.join(watched, 'first.png'), picture(30));
    const following = follow(watched, 'watched');
    await until(() => items('watched').length === 1);

    writeFileSync(path.join(watched, 'second.png'), picture(31));
    const deep = path.join(watched, 'a', 'b');
    mkdirSync(deep, { recursive: true });
    writeFileSync(path.join(deep, 'third.png'), picture(32));
    writeFileSync(path.join(root, 'outside.png'), picture(33));
    renameSync(path.join(root, 'outside.png'), path.join(watched, 'fourth.png'));
    await until(() => items('watched').length === 4);

    const whole = picture(34);
    const slow = openSync(path.join(watched, 'slow.png'), 'w');
    writeSync(slow, whole.subarray(0, 40));
    await sleep(3000);
    assert.equal(items('watched').length, 4, 'a file that is being written was taken');
    writeSync(slow, whole.subarray(40));
    closeSync(slow);
    await until(() => items('watched').length === 5);
    const slowItem = items('watched').find((one) => one.file_name === 'slow.png');
    assert.equal(slowItem.bytes, whole.length);

    const end = await following.end();
    assert.equal(end.status, 0, end.error);
    assert.equal(report(end).new, 5);
    assert.equal(items('watched').length, 5);
  });

  it('takes in a burst of 10,000 files, each once', async () => {
    const burst = folder('burst');
    const following = follow(burst, 'burst', '--parallel', '16');
    await sleep(500);
    const count = 10_000;
    const content = picture(40);
    for (let i = 0; i < count; ++i) {
      const name = path.join(burst, `b${i}.png`);
      writeFileSync(name, content);
      appendFileSync(name, Buffer.from(String(i)));
    }
    await until(() => items('burst').length >= count, 150_000);
    const end = await following.end();
    assert.equal(end.status, 0, end.error);
    assert.equal(report(end).sent, count);
    assert.equal(new Set(items('burst').map((one) => one.file_name)).size, count);
    assert.equal(items('burst').length, count);
  });

  it('waits for a hub that is gone, and loses and doubles nothing', async () => {
    const gone = folder('gone');
    writeFileSync(path.join(gone, 'p0.png'), picture(50));
    const following = follow(gone, 'gone');
    await until(() => items('gone').length === 1);
    await server.stop('SIGKILL');
    for (let i = 1; i <= 20; ++i) writeFileSync(path.join(gone, `p${i}.png`), picture(50 + i));
    await until(() => /waiting for it/.test(following.text.error));
    await server.launch();
    await until(() => items('gone').length === 21, 60_000);
    const end = await following.end();
    assert.equal(end.status, 0, end.error);
    assert.equal(report(end).sent, 21);
    assert.equal(items('gone').length, 21);
  });
});
