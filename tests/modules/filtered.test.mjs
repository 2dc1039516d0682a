// SPDX-License-Identifier: Apache-2.0
//
// The module filtered-camera, from its archive, between a camera, a vision service and data capture.
import assert from 'node:assert/strict';
import { mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { Struct } from '@viamrobotics/sdk';
import { sdk } from '../conformance/clients.mjs';
import { capturing, Pair } from '../capture/pair.mjs';
import { eventually } from '../server.mjs';
import { packed } from './pictures.mjs';
import { png } from './png.mjs';

const GRAY = [90, 90, 90];
const RED = [230, 10, 10];
const BLUE = [10, 10, 230];

after(() => setTimeout(() => process.exit(), 200).unref());

describe('the module filtered-camera', () => {
  let pair, folder, file;

  const show = (color, shade) => {
    writeFileSync(`${file}.new`, png(color, shade));
    renameSync(`${file}.new`, file);
  };
  const eye = (name, color) => ({
    name, api: 'rdk:service:vision', model: 'color_detector',
    attributes: { detect_color: color, hue_tolerance_pct: 0.05, segment_size_px: 100, label: name },
  });
  const filtered = (name, attributes) => ({
    name, api: 'rdk:component:camera', model: 'viam:camera:filtered-camera',
    attributes: { camera: 'source', image_frequency: 10, ...attributes },
    service_configs: capturing({ method: 'GetImages', capture_frequency_hz: 5 }),
  });
  const statistics = async (name) => new sdk.CameraClient(pair.robot, name).doCommand(new Struct());
  const pictures = (name) => pair.pictures(name);

  before(async () => {
    folder = mkdtempSync(path.join(tmpdir(), 'bowerbird-filtered-'));
    file = path.join(folder, 'now.png');
    show(GRAY);
    pair = await Pair.start({
      modules: [{ name: 'filter', type: 'local', executable_path: packed('filtered-camera') }],
      components: [
        { name: 'source', api: 'rdk:component:camera', model: 'image_file', attributes: { color_image_file_path: file } },
        filtered('window', {
          vision_services: [{ vision: 'red', objects: { red: 0.5 } }, { vision: 'blue', objects: { '*': 0.5 }, inhibit: true }],
          window_seconds_before: 2, window_seconds_after: 1 }),
        filtered('older', { vision: 'red', objects: { red: 0.5 } }),
        filtered('never', { vision_services: [{ vision: 'red', objects: { red: 1 } }] }),
        filtered('wrong', { vision_services: [{ vision: 'red' }] }),
      ],
      services: [eye('red', '#FF0000'), eye('blue', '#0000FF')],
    });
    await eventually(async () => (await statistics('window')).rejected.total > 3, 60_000);
  });
  after(async () => {
    await pair?.close();
    rmSync(folder, { recursive: true, force: true });
  });

  it('gives data capture nothing where there is nothing to see, and all others what the camera sees', async () => {
    const { images } = await new sdk.CameraClient(pair.robot, 'window').getImages();
    assert.ok(Buffer.from(images[0].image).equals(png(GRAY)));
    assert.deepEqual(await pictures('window'), []);
    assert.doesNotMatch(pair.machine.output, /no capture from filter/, 'capture knows the words');
  });

  it('refuses attributes with which it would never keep anything', async () => {
    await eventually(() => /vision_services\[0\]: "classifications" or "objects" must name a label/.test(pair.machine.output), 30_000);
  });

  it('keeps what came before, the trigger with its boxes, and what came after', async () => {
    show(GRAY, 1);
    await sleep(600);
    show(RED);
    await eventually(async () => (await statistics('window')).accepted.total > 0, 10_000);
    show(GRAY, 2);
    await sleep(2500);
    const items = await eventually(async () => {
      const found = await pictures('window');
      return found.length >= 12 && found;
    }, 30_000);
    const boxes = (item) => (item.metadata.annotations?.bboxes ?? []).map((box) => box.label);
    const kinds = [];
    for (const item of items) {
      const bytes = Buffer.from(await pair.bytes(item));
      const kind = ['red', 'before', 'after', 'gray'].find((_, i) => bytes.equals([png(RED), png(GRAY, 1), png(GRAY, 2), png(GRAY)][i]));
      kinds.push(kind);
      if (kind !== 'red') assert.deepEqual(boxes(item), [], 'only what triggered is annotated');
    }
    assert.ok(kinds.includes('before') && kinds.includes('red') && kinds.includes('after'), `${kinds}`);
    assert.ok(items.some((item) => boxes(item).includes('red')));
    const { accepted, rejected } = await statistics('window');
    assert.ok(accepted.vision.red > 0 && rejected.total > 0, JSON.stringify({ accepted, rejected }));
    // The window is over: the camera goes on, and nothing more is kept.
    const count = (await pictures('window')).length;
    await sleep(1500);
    assert.equal((await pictures('window')).length, count);
  });

  it('without a window keeps the trigger alone, by the older attributes too; a score must be exceeded', async () => {
    const items = await pictures('older');
    assert.ok(items.length > 0);
    for (const item of items) assert.ok(Buffer.from(await pair.bytes(item)).equals(png(RED)));
    assert.deepEqual(await pictures('never'), []);
  });

  it('keeps nothing while a service inhibits', async () => {
    const { accepted, rejected } = await statistics('window');
    show(BLUE);
    const now = await eventually(async () => {
      const later = await statistics('window');
      return later.rejected.vision.blue > 0 && later;
    }, 10_000);
    assert.equal(now.accepted.total, accepted.total);
    assert.ok(now.rejected.total > rejected.total);
  });
});
