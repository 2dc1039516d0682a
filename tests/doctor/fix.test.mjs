// SPDX-License-Identifier: Apache-2.0
//
// `inspect M --fix OUT`: the repaired file is served, and answers as it should; what cannot be
// repaired is refused, and leaves nothing behind.
import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import {
  copyFileSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { dial, sdk } from '../conformance/clients.mjs';
import { allReady, detectorFiles } from '../conformance/machine.mjs';
import { media, program, Server } from '../server.mjs';
import { withVersion } from './model_file.mjs';

const CONV_2D = 3;
const data = process.env.BOWERBIRD_TEST_DATA;
const photo = media('chelsea.png');
const skip = photo === null ? 'examples/media/chelsea.png is not there: run script/media' : false;

const run = (...args) => spawnSync(program, args, { encoding: 'utf8' });

function succeed(...args) {
  const done = run(...args);
  assert.equal(done.status, 0, `bowerbird ${args.join(' ')}: ${done.stderr}`);
  return done.stdout;
}

const detect = (model, picture, ...more) =>
  JSON.parse(succeed('detect', '--model', model, '--min-confidence', '0.3', ...more, picture))
    .detections;

function sameDetections(got, expected, tolerance) {
  assert.deepEqual(got.map((one) => one.label), expected.map((one) => one.label));
  expected.forEach((one, index) => {
    assert.ok(Math.abs(got[index].confidence - one.confidence) <= tolerance.confidence);
    for (const side of ['x_min', 'y_min', 'x_max', 'y_max'])
      assert.ok(Math.abs(got[index][side] - one[side]) <= tolerance.pixels, side);
  });
}

describe('inspect --fix', { skip }, () => {
  let folder, model, labels, expected;
  const out = (name) => path.join(folder, name);
  const fix = (name, ...more) =>
    JSON.parse(succeed('inspect', model, '--fix', out(name), '--json', ...more));

  before(() => {
    folder = mkdtempSync(path.join(tmpdir(), 'bowerbird-fix-'));
    ({ model, labels } = detectorFiles());
    expected = detect(model, photo, '--labels', labels);
    assert.deepEqual(expected.map((one) => one.label), ['Cat'], 'what the original says');
  });

  after(() => {
    rmSync(folder, { recursive: true, force: true });
    setTimeout(() => process.exit(), 200).unref();
  });

  it('packs labels, which detect then needs no file for', () => {
    const report = fix('labelled.tflite', '--labels', labels);
    assert.equal(report.outputs_equal, true);
    assert.ok(report.changes.some((change) => change.includes('24 labels')), `${report.changes}`);
    sameDetections(detect(out('labelled.tflite'), photo), expected, { confidence: 0, pixels: 0 });
  });

  it('is served: the SDK gets the names, the box order and the answers', async () => {
    fix('served.tflite', '--labels', labels, '--box-order', 'ymin,xmin,ymax,xmax');
    const server = await Server.start({
      config: {
        components: [{
          name: 'cat', api: 'rdk:component:camera', model: 'image_file',
          attributes: { color_image_file_path: photo },
        }],
        services: [
          {
            name: 'fixed', api: 'rdk:service:mlmodel', model: 'tflite_cpu',
            attributes: { model_path: out('served.tflite') },
          },
          {
            name: 'finder', api: 'rdk:service:vision', model: 'mlmodel',
            attributes: { mlmodel_name: 'fixed', default_minimum_confidence: 0.3 },
          },
        ],
      },
    });
    try {
      const robot = await dial(server.url, 'grpc');
      await allReady(robot);
      const { metadata } = await new sdk.MLModelClient(robot, 'fixed').metadata();
      assert.match(metadata.inputInfo[0].description, /detect/);
      assert.deepEqual(JSON.parse(succeed('inspect', out('served.tflite'), '--json'))
        .outputs[0].box_order, [1, 0, 3, 2]);
      const found = await new sdk.VisionClient(robot, 'finder').getDetectionsFromCamera('cat');
      sameDetections(
        found.map((one) => ({
          label: one.className, confidence: one.confidence,
          x_min: Number(one.xMin), y_min: Number(one.yMin),
          x_max: Number(one.xMax), y_max: Number(one.yMax),
        })),
        expected, { confidence: 1e-5, pixels: 0 });
    } finally {
      await server.close();
    }
  });

  it('writes how pixels become numbers, and detect heeds it', () => {
    fix('usual.tflite', '--labels', labels, '--mean', '127.5', '--std', '127.5');
    sameDetections(detect(out('usual.tflite'), photo), expected, { confidence: 0.01, pixels: 2 });
    // Of a model that is told that every picture is nearly black, nothing of it can remain.
    fix('dark.tflite', '--labels', labels, '--mean', '127.5', '--std', '12750');
    assert.notDeepEqual(detect(out('dark.tflite'), photo).map((one) => one.label), ['Cat']);
    const [input] = JSON.parse(succeed('inspect', out('usual.tflite'), '--json')).inputs;
    assert.deepEqual(input.normalization, { mean: [127.5], std: [127.5] });
  });

  it('turns the channels round: the picture with red and blue exchanged gives the same', (t) => {
    const turned = out('turned.png');
    const made = spawnSync('ffmpeg', ['-v', 'error', '-i', photo, '-vf',
      'colorchannelmixer=rr=0:rb=1:bb=0:br=1', turned], { encoding: 'utf8' });
    if (made.error) return t.skip('ffmpeg is not installed');
    assert.equal(made.status, 0, made.stderr);
    fix('turned.tflite', '--labels', labels, '--input-order', 'bgr');
    sameDetections(detect(out('turned.tflite'), turned), expected, { confidence: 0.02, pixels: 3 });
  });

  it('lowers versions that the runtime lacks, so that the model runs', (t) => {
    const source = data && path.join(data, 'models/classify/tf2_mobilenet_v2_1.0_224_ptq.tflite');
    if (!source || !existsSync(source)) return t.skip('BOWERBIRD_TEST_DATA is not set');
    const newer = out('newer.tflite');
    writeFileSync(newer, withVersion(readFileSync(source), CONV_2D, 99));
    const refused = run('classify', '--model', newer, photo);
    assert.equal(refused.status, 1);
    assert.match(refused.stderr, /CONV_2D/);
    const report = JSON.parse(succeed('inspect', newer, '--fix', out('older.tflite'), '--json'));
    assert.equal(report.original_runs, false);
    const classes = (file) =>
      JSON.parse(succeed('classify', '--model', file, '--top', '3', photo)).classifications;
    // Each of them is run in the form that is measured to be faster here, which may differ.
    const [got, expected] = [classes(out('older.tflite')), classes(source)];
    assert.deepEqual(got.map((one) => one.class_id), expected.map((one) => one.class_id));
    expected.forEach((one, index) =>
      assert.ok(Math.abs(got[index].confidence - one.confidence) <= 0.03, JSON.stringify({ got, expected })));
  });

  it('refuses by name what it cannot repair or write, and leaves nothing behind', () => {
    const inputs = out('inputs');
    mkdirSync(inputs);
    const good = path.join(inputs, 'good.tflite');
    copyFileSync(model, good);
    const put = (name, bytes) => {
      writeFileSync(path.join(inputs, name), bytes);
      return path.join(inputs, name);
    };
    const torn = put('torn.tflite', readFileSync(model).subarray(0, 100_000));
    const text = put('text.tflite', 'no model at all');
    const taken = put('taken.tflite', 'precious');
    const result = path.join(inputs, 'result.tflite');
    const before = readdirSync(inputs).sort();
    for (const [status, names, args] of [
      [1, /good\.tflite.*itself/, [good, '--fix', good]],
      [1, /good\.tflite.*itself/, [good, '--fix', good, '--force']],
      [1, /taken\.tflite.*--force/, [good, '--fix', taken]],
      [1, /nowhere/, [good, '--fix', path.join(inputs, 'nowhere/result.tflite')]],
      [1, /torn\.tflite/, [torn, '--fix', result]],
      [1, /text\.tflite/, [text, '--fix', result]],
      [1, /absent\.tflite/, [path.join(inputs, 'absent.tflite'), '--fix', result]],
      [1, /absent\.txt/, [good, '--fix', result, '--labels', path.join(inputs, 'absent.txt')]],
      [1, /mean and std/, [good, '--fix', result, '--mean', '1']],
      [1, /sideways/, [good, '--fix', result, '--box-order', 'sideways']],
      [2, /--fix/, [good, '--mean', '1', '--std', '1']],
      [2, /input-order/, [good, '--fix', result, '--input-order', 'grb']],
    ]) {
      const done = run('inspect', ...args);
      assert.equal(done.status, status, `${args}: ${done.stderr}`);
      assert.match(done.stderr, names);
      assert.deepEqual(readdirSync(inputs).sort(), before, `${args} leaves a file`);
    }
    assert.equal(readFileSync(taken, 'utf8'), 'precious');
    assert.ok(readFileSync(good).equals(readFileSync(model)), 'the original is as it was');
  });

  it('leaves nothing behind when it is interrupted while it checks the new file', async () => {
    const where = out('interrupted');
    mkdirSync(where);
    for (const signal of ['SIGINT', 'SIGTERM']) {
      const child = spawn(program, ['inspect', model, '--fix', path.join(where, 'result.tflite')], {
        stdio: 'ignore',
      });
      const ended = new Promise((resolve) => child.once('exit', (code, by) => resolve({ code, by })));
      while (child.exitCode === null && readdirSync(where).length === 0) await sleep(1);
      child.kill(signal);
      const { code, by } = await ended;
      if (code === 0) {
        // It was done before the signal came: then the file is whole.
        succeed('inspect', path.join(where, 'result.tflite'), '--no-measure');
        rmSync(path.join(where, 'result.tflite'));
      } else {
        assert.equal(by, signal);
      }
      assert.deepEqual(readdirSync(where), []);
    }
  });
});
