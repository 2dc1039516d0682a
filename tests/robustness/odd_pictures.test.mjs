// SPDX-License-Identifier: Apache-2.0
//
// Pictures of unusual kinds and sizes, through a camera and vision services and through `detect`: a
// right answer, or an error that names the file and says what is wrong with it.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, describe, it } from 'node:test';
import { dial, sdk } from '../conformance/clients.mjs';
import { allReady, detectorFiles } from '../conformance/machine.mjs';
import { program, Server } from '../server.mjs';
import { solidJpeg } from './jpeg.mjs';
import { blackPng } from './pictures.mjs';

const folder = mkdtempSync(path.join(tmpdir(), 'bowerbird-odd-'));
const put = (name, bytes) => {
  writeFileSync(path.join(folder, name), bytes);
  return path.join(folder, name);
};

// All ink but yellow's is absent, in Adobe's sense.
const YELLOW_INK = [255, 255, 0, 255];
const FILES = {
  cmyk: put('cmyk.jpg', solidJpeg(160, 120, YELLOW_INK)),
  gray: put('gray.jpg', solidJpeg(160, 120, [90])),
  disguised: put('disguised.jpg', blackPng(64, 48)),
  dot: put('dot.png', blackPng(1, 1)),
  'dot-jpeg': put('dot-jpeg.jpg', solidJpeg(1, 1, [200])),
  nothing: put('nothing.jpg', Buffer.alloc(0)),
  huge: put('huge.png', blackPng(20_000, 20_000, { bits: 1 })),
};
const REFUSED = {
  nothing: /empty|0 bytes|no bytes/i,
  huge: /20000|large|pixels/i,
};
const SIZES = { cmyk: [160, 120], gray: [160, 120], disguised: [64, 48], dot: [1, 1], 'dot-jpeg': [1, 1] };

describe('odd pictures', () => {
  let server, robot;

  before(async () => {
    const { model, labels } = detectorFiles();
    server = await Server.start({
      config: {
        components: Object.entries(FILES).map(([name, file]) => ({
          name, api: 'rdk:component:camera', model: 'image_file',
          attributes: { color_image_file_path: file },
        })),
        services: [
          {
            name: 'detector', api: 'rdk:service:mlmodel', model: 'tflite_cpu',
            attributes: { model_path: model, label_path: labels },
          },
          {
            name: 'finder', api: 'rdk:service:vision', model: 'mlmodel',
            attributes: { mlmodel_name: 'detector', default_minimum_confidence: 0.3 },
          },
          {
            name: 'yellow', api: 'rdk:service:vision', model: 'color_detector',
            attributes: { detect_color: '#FFFF00', hue_tolerance_pct: 0.1, segment_size_px: 100 },
          },
          { name: 'webcams', api: 'rdk:service:discovery', model: 'webcam' },
        ],
      },
    });
    robot = await dial(server.url, 'grpc');
    await allReady(robot);
  });

  after(async () => {
    await server?.close();
    rmSync(folder, { recursive: true, force: true });
    setTimeout(() => process.exit(), 200).unref();
  });

  it('yellow ink on nothing else is yellow, gray is not', async () => {
    const yellow = new sdk.VisionClient(robot, 'yellow');
    const [found] = await yellow.getDetectionsFromCamera('cmyk');
    assert.ok(found, 'the CMYK picture is yellow all over');
    assert.ok(Number(found.xMax) - Number(found.xMin) >= 158, `${found.xMin}..${found.xMax}`);
    assert.ok(Number(found.yMax) - Number(found.yMin) >= 118, `${found.yMin}..${found.yMax}`);
    assert.deepEqual(await yellow.getDetectionsFromCamera('gray'), []);
  });

  it('a detector answers to every picture that can be read, and names the others', async () => {
    const finder = new sdk.VisionClient(robot, 'finder');
    for (const name of Object.keys(FILES)) {
      const answer = await finder.getDetectionsFromCamera(name).catch((error) => error);
      if (!(name in REFUSED)) {
        assert.ok(Array.isArray(answer), `${name}: ${answer.message}`);
        continue;
      }
      assert.ok(answer instanceof Error, `${name} is taken for a picture`);
      assert.match(answer.message, REFUSED[name]);
      assert.ok(answer.message.includes(path.basename(FILES[name])), answer.message);
    }
    assert.ok(server.running && server.residentMb() < 600, `${server.residentMb()} MB`);
  });

  it('detect gives a line for each that can be read, an error for each other, and status 1', () => {
    const { model } = detectorFiles();
    const done = spawnSync(program, ['detect', '--model', model, ...Object.values(FILES)], {
      encoding: 'utf8',
    });
    assert.equal(done.status, 1, done.stderr);
    const lines = done.stdout.trim().split('\n').map((line) => JSON.parse(line));
    assert.deepEqual(
      Object.fromEntries(lines.map(({ file, width, height }) => [file, [width, height]])),
      Object.fromEntries(Object.entries(SIZES).map(([name, size]) => [FILES[name], size])),
    );
    for (const [name, says] of Object.entries(REFUSED)) {
      const line = done.stderr.split('\n').find((one) => one.includes(FILES[name]));
      assert.match(line ?? '(nothing)', says, done.stderr);
    }
  });

  it('discovery lists the webcams that are there: without any none, and no error', async () => {
    const found = await new sdk.DiscoveryClient(robot, 'webcams').discoverResources();
    assert.ok(Array.isArray(found));
    const none = spawnSync('sh', ['-c', 'ls /dev/video*']).status !== 0;
    if (none) assert.deepEqual(found, []);
  });
});
