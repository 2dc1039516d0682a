// SPDX-License-Identifier: Apache-2.0
//
// The same 273 boxes of 100 photos in seven forms, each imported into a hub of its own, are one
// dataset: one snapshot id, without a split and with one. And what makes another one of it.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, describe, it } from 'node:test';
import { program, Server } from '../server.mjs';

const set = path.join(
  process.env.BOWERBIRD_TEST_DATA ?? '/nowhere', 'datasets/multilabel-voc100-multiformat');
const forms = {
  pascalvoc_format: 'voc',
  imagenet_format: 'imagenet',
  coco_format_v1: 'coco',
  coco_format_v2: 'coco',
  yolo_format: 'yolo',
  cvat_format: 'cvat',
  openimages_format: 'openimages', // with decimal commas
};
const skip = existsSync(set) ? false : 'set BOWERBIRD_TEST_DATA to the folder of public pictures';

/** The snapshot ids of a folder of annotations in a new hub. */
async function snapshots(folder, format) {
  const hub = await Server.start({ config: {}, args: ['--role', 'hub'] });
  const json = (...args) => {
    const done = spawnSync(program, [...args, '--json', '--host', hub.url], { encoding: 'utf8' });
    assert.equal(done.status, 0, `${format}: ${done.stderr}`);
    return JSON.parse(done.stdout.trim().split('\n').at(-1));
  };
  try {
    const pictures = ['--pictures', path.join(set, 'images')];
    const report = json('dataset', 'import', 'photos', folder, '--format', format, ...pictures);
    assert.equal(report.new, 100);
    const whole = json('dataset', 'snapshot', 'photos');
    assert.deepEqual([whole.items, whole.boxes], [100, 273]);
    const split = json('dataset', 'snapshot', 'photos', '--validation', '0.2', '--seed', '3');
    return [whole.id, split.id];
  } finally {
    await hub.close();
  }
}

describe('one dataset in seven forms', { skip }, () => {
  const scratch = mkdtempSync(path.join(tmpdir(), 'bowerbird-forms-'));
  after(() => rmSync(scratch, { recursive: true, force: true }));
  let expected;

  for (const [folder, format] of Object.entries(forms))
    it(`${folder} makes the same snapshots`, async () => {
      const ids = await snapshots(path.join(set, 'gts', folder), format);
      expected ??= ids;
      assert.deepEqual(ids, expected);
      assert.notEqual(ids[0], ids[1]);
    });

  it('a corner moved by a pixel makes another one', async () => {
    const changed = path.join(scratch, 'changed');
    cpSync(path.join(set, 'gts/coco_format_v1'), changed, { recursive: true });
    const file = path.join(changed, 'instances_default.json');
    const document = JSON.parse(readFileSync(file, 'utf8'));
    document.annotations[0].bbox[0] += 1;
    writeFileSync(file, JSON.stringify(document));
    const ids = await snapshots(changed, 'coco');
    assert.notEqual(ids[0], expected[0]);
  });
});
