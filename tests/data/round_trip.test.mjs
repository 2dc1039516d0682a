// SPDX-License-Identifier: Apache-2.0
//
// A dataset taken out of one hub in every format and into another has the same snapshot, where the
// format can hold it: the table of docs/data-formats.md.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, describe, it } from 'node:test';
import { program, Server } from '../server.mjs';
import { png } from './pictures.mjs';

const EVERY = ['viam', 'jsonl', 'yolo', 'cvat', 'imagenet', 'voc', 'coco', 'labelstudio', 'openimages', 'csv', 'folders'];
const without = (...names) => EVERY.filter((name) => !names.includes(name));

// What the pictures of a dataset have, and which formats bring it back.
const KINDS = {
  boxes: {
    holds: without('folders'),
    image: (i) => ({ boxes: i === 0 ? [] : [{ bbox: [i, 2, 10, 8] }, { bbox: [3, 1, 5 + i, 6] }] }),
  },
  'pictures of which nothing is said': {
    holds: EVERY,
    image: () => ({ boxes: [] }),
  },
  'boxes and several tags': {
    holds: without('folders', 'voc', 'imagenet', 'yolo'),
    image: (i) => ({ boxes: [{ bbox: [i, 2, 10, 8] }], tags: ['day', `shelf ${i}`] }),
  },
  'boxes with confidence': {
    holds: without('folders', 'voc', 'imagenet', 'yolo'),
    image: (i) => ({ boxes: [{ bbox: [i, 2, 10, 8], score: 0.25 + i / 16 }] }),
  },
};

describe('a dataset through every format', () => {
  let from, to, root;
  before(async () => {
    from = await Server.start({ config: {}, args: ['--role', 'hub'] });
    to = await Server.start({ config: {}, args: ['--role', 'hub'] });
    root = mkdtempSync(path.join(tmpdir(), 'bowerbird-round-'));
  });
  after(async () => {
    await from?.close();
    await to?.close();
    rmSync(root, { recursive: true, force: true });
  });

  function run(hub, ...args) {
    const done = spawnSync(program, [...args, '--json', '--host', hub.url], { encoding: 'utf8' });
    return { status: done.status, out: done.stdout, error: done.stderr };
  }
  function snapshot(hub, name) {
    const done = run(hub, 'dataset', 'snapshot', name, '--validation', '0.4', '--seed', '5');
    assert.equal(done.status, 0, done.error);
    return JSON.parse(done.out).id;
  }
  /** Out of the one hub and into the other; the id of what has arrived. */
  function through(name, format) {
    const out = path.join(root, `${name} ${format}`);
    const exported = run(from, 'dataset', 'export', name, '--destination', out, '--format', format);
    assert.equal(exported.status, 0, `${format}: ${exported.error}`);
    const imported = run(to, 'dataset', 'import', `${name} ${format}`, out, '--format', format);
    assert.equal(imported.status, 0, `${format}: ${imported.error}${imported.out}`);
    return { id: snapshot(to, `${name} ${format}`), problems: JSON.parse(exported.out).problems };
  }

  for (const [kind, { holds, image }] of Object.entries(KINDS))
    it(`keeps ${kind} in ${holds.length} of ${EVERY.length} formats, and reports what the others lose`, () => {
      const source = path.join(root, kind);
      mkdirSync(source);
      const images = [];
      const annotations = [];
      for (let i = 0; i < 5; ++i) {
        const { boxes, ...rest } = image(i);
        writeFileSync(path.join(source, `p${i}.png`), png(40, 24, 20 * i + 7));
        images.push({ id: i + 1, file_name: `p${i}.png`, width: 40, height: 24, ...rest });
        for (const box of boxes)
          annotations.push({ id: annotations.length + 1, image_id: i + 1, category_id: 1 + (i % 2), ...box });
      }
      const categories = [{ id: 1, name: 'jar' }, { id: 2, name: 'box' }];
      writeFileSync(path.join(source, 'instances.json'), JSON.stringify({ images, annotations, categories }));
      const imported = run(from, 'dataset', 'import', kind, source, '--format', 'coco');
      assert.equal(imported.status, 0, imported.error);
      const expected = snapshot(from, kind);
      const kept = [];
      for (const format of EVERY) {
        const { id, problems } = through(kind, format);
        if (id === expected) kept.push(format);
        else assert.ok(problems.length > 0, `${format} loses ${kind} without saying so`);
      }
      assert.deepEqual(kept, holds);
    });

  it('gives pictures of one name each their own file', () => {
    // Two folders whose pictures have the same names and other content.
    for (const [folder, shade] of [['one', 40], ['two', 200]]) {
      mkdirSync(path.join(root, folder));
      writeFileSync(path.join(root, folder, 'same.png'), png(8, 8, shade));
      const imported = run(from, 'dataset', 'import', 'same names', path.join(root, folder));
      assert.equal(imported.status, 0, imported.error);
    }
    const { id } = through('same names', 'coco');
    assert.notEqual(id, undefined);
    const pictures = readdirSync(path.join(root, 'same names coco', 'images'));
    assert.equal(pictures.length, 2);
    const contents = new Set(pictures.map((name) => readFileSync(path.join(root, 'same names coco', 'images', name), 'latin1')));
    assert.equal(contents.size, 2);
  });

  it('writes annotations without pictures, as if they were there', () => {
    const out = path.join(root, 'annotations alone');
    const args = ['dataset', 'export', 'boxes', '--destination', out, '--annotations-only'];
    const exported = run(from, ...args);
    assert.equal(exported.status, 0, exported.error);
    assert.equal(JSON.parse(exported.out).items, 5);
    assert.deepEqual(readdirSync(out), ['annotations']);
    const name = path.join('annotations', 'instances.json');
    const whole = readFileSync(path.join(root, 'boxes coco', name), 'utf8');
    assert.equal(readFileSync(path.join(out, name), 'utf8'), whole);
    assert.match(run(from, ...args, '--format', 'folders').error, /leave out --annotations-only/);
  });

  const voc = path.join(process.env.BOWERBIRD_TEST_DATA ?? '/nowhere', 'datasets/multilabel-voc100-multiformat');
  it('keeps 273 boxes of 100 photos in every format that holds boxes', {
    skip: existsSync(voc) ? false : 'set BOWERBIRD_TEST_DATA to the folder of public models and pictures',
  }, () => {
    const annotations = path.join(voc, 'gts/pascalvoc_format');
    const imported = run(from, 'dataset', 'import', 'photos', annotations, '--format', 'voc', '--pictures', path.join(voc, 'images'));
    assert.equal(imported.status, 0, imported.error);
    assert.equal(JSON.parse(imported.out).sent, 100);
    const expected = snapshot(from, 'photos');
    for (const format of without('folders')) assert.equal(through('photos', format).id, expected, format);
  });
});
