// SPDX-License-Identifier: Apache-2.0
//
// Training without a server: folders that people have, the files that come of them, and what is said
// about folders that nothing can be learnt from.
import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import {
  existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, describe, it } from 'node:test';
import { detectorFiles } from '../conformance/machine.mjs';
import { program } from '../server.mjs';
import { picture } from '../training/pictures.mjs';

const folder = mkdtempSync(path.join(tmpdir(), 'bowerbird-train-test-'));
after(() => rmSync(folder, { recursive: true, force: true }));
const env = { ...process.env, BOWERBIRD_HOME: path.join(folder, 'home') };
const hasTorch = existsSync(path.join(path.dirname(program), 'libbowerbird_torch.so'));

function run(...args) {
  const done = spawnSync(program, args, { encoding: 'utf8', env, timeout: 120_000 });
  return { code: done.status, out: done.stdout, err: done.stderr };
}
const local = (data, name, ...more) =>
  run('train', 'local', data, '--out', path.join(folder, name), ...more);
const outOf = (name, file) => path.join(folder, name, file);
const report = (name) => JSON.parse(readFileSync(outOf(name, 'report.json'), 'utf8'));

/** The training picture that is most like `file` to a model that was trained here. */
function nearest(name, file) {
  const asked = run('model', 'neighbours', path.join(folder, name), file, '--count', '1', '--json');
  assert.equal(asked.code, 0, asked.err);
  return JSON.parse(asked.out).neighbours[0];
}

/** `count` pictures of each kind, a folder a class. */
function classFolders(name, count, kinds = ['disc', 'square'], first = 0) {
  for (const kind of kinds) {
    mkdirSync(path.join(folder, name, kind), { recursive: true });
    for (let i = 0; i < count; ++i)
      writeFileSync(path.join(folder, name, kind, `${i}.png`), picture(kind, first + i).png);
  }
  return path.join(folder, name);
}

/** Pictures with Pascal VOC files beside them. */
function boxFolder(name, count) {
  for (const part of ['images', 'annotations'])
    mkdirSync(path.join(folder, name, part), { recursive: true });
  for (let i = 0; i < count; ++i) {
    const kind = i % 2 === 0 ? 'disc' : 'square';
    const { png, box } = picture(kind, i);
    writeFileSync(path.join(folder, name, 'images', `${i}.png`), png);
    const pixel = (value) => Math.round(value * 96);
    writeFileSync(
      path.join(folder, name, 'annotations', `${i}.xml`),
      `<annotation><filename>${i}.png</filename><size><width>96</width><height>96</height>` +
        `<depth>3</depth></size><object><name>${kind}</name><bndbox><xmin>${pixel(box.xMin)}</xmin>` +
        `<ymin>${pixel(box.yMin)}</ymin><xmax>${pixel(box.xMax)}</xmax>` +
        `<ymax>${pixel(box.yMax)}</ymax></bndbox></object></annotation>`,
    );
  }
  return path.join(folder, name);
}

before(() => {
  const kept = run('train', 'base', 'add', detectorFiles().model, '--name', 'default');
  assert.equal(kept.code, 0, kept.err);
});

describe('bowerbird train local', () => {
  let data;
  before(() => {
    data = classFolders('things', 20);
  });

  it('makes a model, its labels and a report, of a folder a class', () => {
    const done = local(data, 'model', '--seed', '1');
    assert.equal(done.code, 0, done.err);
    assert.deepEqual(readdirSync(path.join(folder, 'model')).sort(), [
      ...['features.bin', 'labels.txt', 'model.tflite', 'report.html', 'report.json'],
    ]);
    assert.equal(readFileSync(outOf('model', 'labels.txt'), 'utf8'), 'disc\nsquare\n');
    assert.ok(report('model').accuracy >= 0.8);
    assert.match(readFileSync(outOf('model', 'report.html'), 'utf8'), /<h2>Confusion<\/h2>/);
    const unseen = classFolders('unseen', 4, ['disc', 'square'], 500);
    const file = outOf('model', 'model.tflite');
    const scored = run('evaluate', '--model', file, '--data', unseen, '--json');
    const figures = JSON.parse(scored.out);
    assert.ok(figures.accuracy >= 0.75, scored.out);
    assert.ok(figures.invoke_ms_p50 > 0 && figures.invoke_ms_p50 <= figures.call_ms_p50, scored.out);
    assert.ok(figures.memory_mb > 0 && figures.file_bytes === readFileSync(file).length, scored.out);
    const { model } = report('model');
    assert.ok(model.invoke_ms > 0 && model.memory_mb > 0, JSON.stringify(model));
    const both = ['evaluate', '--model', file, '--compare', file, '--data', unseen];
    const compared = JSON.parse(run(...both, '--html', outOf('', 'compared.html'), '--json').out);
    assert.equal(compared.agreement, 1);
    assert.equal(compared.difference.accuracy, 0);
    assert.match(readFileSync(outOf('', 'compared.html'), 'utf8'), /<b>100\.0 %<\/b>agreement/);
  });

  it('makes the same bytes again, with one thread and with two', () => {
    for (const [name, threads] of [['one', '1'], ['two', '2']]) {
      const done = local(data, name, '--seed', '1', '--threads', threads);
      assert.equal(done.code, 0, done.err);
    }
    const bytes = (name) => readFileSync(outOf(name, 'model.tflite'));
    assert.ok(bytes('one').equals(bytes('two')));
    assert.ok(bytes('one').equals(bytes('model')));
  });

  it('tells its steps as JSON', () => {
    const done = local(data, 'told', '--json');
    assert.equal(done.code, 0, done.err);
    const lines = done.out.trim().split('\n').map((line) => JSON.parse(line));
    assert.ok(lines.some((line) => line.phase === 'features' && line.done === line.total));
    assert.equal(lines.at(-1).done, path.join(folder, 'told'));
  });

  it('quantises where that loses little, and says what it tried', () => {
    assert.equal(local(data, 'small', '--int8').code, 0);
    const { candidates, path: kept } = report('small');
    const int8 = candidates.filter((one) => one.path.startsWith('int8'));
    assert.equal(int8.length, 2);
    for (const one of int8) {
      assert.ok(one.operators_in_int8 > 20, JSON.stringify(one));
      assert.ok(one.calibration_pictures > 20, JSON.stringify(one));
      assert.ok(one.bytes < candidates[0].bytes, JSON.stringify(candidates));
      assert.equal(one.skipped === undefined, one.accuracy >= candidates[0].accuracy - 0.01);
    }
    // The base has its weights in half precision; so has what is kept where int8 loses too much.
    const good = int8.filter((one) => one.skipped === undefined);
    if (good.length === 0) assert.equal(kept, 'graft');
    else assert.ok(good.some((one) => one.path === kept), kept);
    assert.equal(local(data, 'small-again', '--int8', '--threads', '1').code, 0);
    assert.deepEqual(readFileSync(outOf('small', 'model.tflite')), readFileSync(outOf('small-again', 'model.tflite')));
    const named = run('classify', '--model', outOf('small', 'model.tflite'), path.join(data, 'disc', '0.png'));
    assert.equal(JSON.parse(named.out).classifications[0].label, 'disc');
  });

  it('trains any number of labels', () => {
    const rows = readdirSync(path.join(data, 'disc')).flatMap((name, i) =>
      ['disc', 'square'].map((kind) => `${kind}/${name},${kind}${i % 2 ? ',even' : ''}`),
    );
    const table = path.join(folder, 'things', 'labels.csv');
    writeFileSync(table, ['image,labels', ...rows.map((row) => row.replace(',', ',"') + '"')].join('\n'));
    const done = local(data, 'many', '--type', 'multi');
    rmSync(table);
    assert.equal(done.code, 0, done.err);
    assert.equal(report('many').type, 'multi');
  });

  it('trains a detector by a number of steps, the same one twice', { skip: !hasTorch && 'libtorch is not installed' }, () => {
    const boxes = boxFolder('boxes', 24);
    for (const name of ['detector', 'again']) {
      const done = local(boxes, name, '--type', 'detection', '--steps', '3');
      assert.equal(done.code, 0, done.err);
    }
    const made = report('detector');
    assert.deepEqual(made.labels, ['disc', 'square']);
    assert.equal(made.training.steps, 3);
    assert.ok(made.voc_ap50 >= 0);
    const bytes = (name) => readFileSync(outOf(name, 'model.tflite'));
    assert.ok(bytes('detector').equals(bytes('again')));
    const one = path.join(boxes, 'images', '1.png');
    const found = run('detect', '--model', outOf('detector', 'model.tflite'), one);
    assert.equal(found.code, 0, found.err);
    const learnt = readdirSync(path.join(boxes, 'images')).map((file) => path.join(boxes, 'images', file));
    const itself = learnt.filter((file) => nearest('detector', file).distance === 0);
    assert.equal(itself.length, made.split.training, 'each picture that taught it is nearest to itself');
  });

  it('trains without a base model, twice the same', { skip: !hasTorch && 'libtorch is not installed' }, () => {
    for (const name of ['scratch', 'scratch-again']) {
      const done = local(data, name, '--base', 'none', '--steps', '120');
      assert.equal(done.code, 0, done.err);
      assert.match(done.err, /no base model/);
    }
    assert.equal(report('scratch').path, 'scratch');
    const bytes = (name) => readFileSync(outOf(name, 'model.tflite'));
    assert.ok(bytes('scratch').equals(bytes('scratch-again')));
    const scored = run('evaluate', '--model', outOf('scratch', 'model.tflite'), '--data', path.join(folder, 'unseen'), '--json');
    assert.ok(JSON.parse(scored.out).accuracy >= 0.75, scored.out);
  });

  it('trains a detector without a base model', { skip: !hasTorch && 'libtorch is not installed' }, () => {
    const done = local(boxFolder('boxes-alone', 24), 'alone-detector', '--type', 'detection', '--base', 'none', '--steps', '3');
    assert.equal(done.code, 0, done.err);
    assert.match(done.err, /no base model/);
    const one = path.join(folder, 'boxes-alone', 'images', '1.png');
    assert.equal(run('detect', '--model', outOf('alone-detector', 'model.tflite'), one).code, 0);
    assert.ok(nearest('alone-detector', one).labels.length > 0);
  });

  it('fine-tunes where there is time, and keeps the better file', { skip: !hasTorch && 'libtorch is not installed' }, () => {
    const done = local(data, 'tuned', '--minutes', '0.2');
    assert.equal(done.code, 0, done.err);
    const { candidates, path: way } = report('tuned');
    assert.deepEqual(candidates.map((one) => one.path), ['graft', 'fine-tune']);
    const best = candidates.reduce((a, b) => (b.accuracy > a.accuracy ? b : a));
    assert.equal(way, best.path);
    assert.deepEqual(nearest('tuned', path.join(data, 'square', '3.png')).labels, ['square']);
  });

  const refused = (done, pattern, code = 1) => {
    assert.equal(done.code, code, done.err);
    assert.match(done.err, pattern);
  };

  it('refuses what nothing can be learnt from, and says what to do', () => {
    refused(local(classFolders('alone', 12, ['disc']), 'no'), /second label/);
    refused(local(classFolders('few', 2), 'no'), /at least 10/);
    refused(local(path.join(folder, 'nowhere'), 'no'), /nowhere/);
    const broken = path.join(folder, 'broken');
    for (const kind of ['a', 'b']) {
      mkdirSync(path.join(broken, kind), { recursive: true });
      for (let i = 0; i < 8; ++i) writeFileSync(path.join(broken, kind, `${i}.jpg`), 'no picture');
    }
    refused(local(broken, 'no'), /none of the 16 pictures can be read|no pictures/);
    refused(local(data, 'model'), /is there already/);
    refused(local(data, 'no', '--base', 'unknown'), /no base model 'unknown'/);
    refused(local(data, 'no', '--type', 'detection'), /40 pictures have no box|libbowerbird_torch/);
    refused(local(data, 'no', '--type', 'sound'), /sound/, 2);
    assert.ok(!existsSync(path.join(folder, 'no')));
  });

  it('asks for labels where two fifths of the pictures have none', () => {
    const some = classFolders('some', 10);
    const rows = ['disc', 'square'].flatMap((kind) =>
      readdirSync(path.join(some, kind)).map((name, i) => `${kind}/${name},${i < 6 ? kind : ''}`),
    );
    writeFileSync(path.join(some, 'labels.csv'), ['image,labels', ...rows].join('\n'));
    refused(local(some, 'no'), /8 of 20 pictures have no label.*--force.*--unknown/s);
    assert.equal(local(some, 'forced', '--force').code, 0);
    assert.equal(report('forced').split.training + report('forced').split.validation, 12);
    assert.equal(local(some, 'unknown', '--unknown').code, 0);
    assert.deepEqual(report('unknown').labels, ['UNKNOWN', 'disc', 'square']);
  });

  it('leaves out boxes that are none, with a line for each, and takes thousands', { skip: !hasTorch && 'libtorch is not installed' }, () => {
    const odd = boxFolder('odd-boxes', 12);
    const box = (left, top, right, bottom) =>
      `<object><name>disc</name><bndbox><xmin>${left}</xmin><ymin>${top}</ymin><xmax>${right}</xmax>` +
      `<ymax>${bottom}</ymax></bndbox></object>`;
    const add = (name, more) => {
      const file = path.join(odd, 'annotations', name);
      writeFileSync(file, readFileSync(file, 'utf8').replace('</annotation>', `${more}</annotation>`));
    };
    add('0.xml', box(20, 20, 20, 40));
    add('1.xml', box(200, 200, 240, 240));
    add('2.xml', box(80, 80, 140, 140));
    add('3.xml', Array.from({ length: 3000 }, (_, i) => box(i % 80, i % 70, (i % 80) + 9, (i % 70) + 9)).join(''));
    const done = local(odd, 'odd', '--type', 'detection', '--steps', '2');
    assert.equal(done.code, 0, done.err);
    const problems = report('odd').problems.join('\n');
    for (const file of ['0.xml', '1.xml', '2.xml']) assert.match(problems, new RegExp(`/${file}`));
  });

  it('runs two jobs at once, each with the bytes of one alone', async () => {
    const ends = ['first', 'second'].map((name) => {
      const args = ['train', 'local', data, '--out', path.join(folder, name), '--seed', '1'];
      const child = spawn(program, args, { env, stdio: 'ignore' });
      return new Promise((resolve) => child.once('exit', resolve));
    });
    assert.deepEqual(await Promise.all(ends), [0, 0]);
    const bytes = (name) => readFileSync(outOf(name, 'model.tflite'));
    for (const name of ['first', 'second']) assert.ok(bytes(name).equals(bytes('model')), name);
  });

  it('takes spellings of one label for one, with a warning', () => {
    const spelt = classFolders('spelt', 10, ['disc', 'square']);
    mkdirSync(path.join(spelt, 'Disc '), { recursive: true });
    writeFileSync(path.join(spelt, 'Disc ', 'x.png'), picture('disc', 77).png);
    const done = local(spelt, 'merged');
    assert.equal(done.code, 0, done.err);
    assert.deepEqual(report('merged').labels, ['disc', 'square']);
    assert.ok(report('merged').warnings.some((line) => line.includes("'Disc '")));
    assert.match(done.err, /'Disc ' is taken for 'disc'/);
  });

  it('trims labels, says what is no picture and which label is none', () => {
    const odd = classFolders('odd-labels', 10, ['disc', 'square']);
    const named = (name) => path.join(odd, name);
    renameSync(named('square'), named(' a square '));
    writeFileSync(path.join(odd, 'disc', 'y.jpg'), 'no picture');
    const done = local(odd, 'trimmed');
    assert.equal(done.code, 0, done.err);
    assert.equal(readFileSync(outOf('trimmed', 'labels.txt'), 'utf8'), 'a square\ndisc\n');
    assert.match(done.err, /left out: .*y\.jpg/);
    rmSync(path.join(odd, 'disc', 'y.jpg'));
    renameSync(named(' a square '), named('a\nsquare'));
    refused(local(odd, 'no'), /10 of 20 pictures have no label.*left out: .*control character/s);
  });

  for (const signal of ['SIGKILL', 'SIGTERM'])
    it(`leaves no half of a model after ${signal}`, async () => {
      const trainer = path.join(path.dirname(program), 'bowerbird-train');
      const out = path.join(folder, `ended-${signal}`);
      const args = [data, '--base', detectorFiles().model, '--out', out];
      const child = spawn(trainer, args, { env, stdio: ['ignore', 'pipe', 'ignore'] });
      await new Promise((resolve) => child.stdout.once('data', resolve));
      child.kill(signal);
      const code = await new Promise((resolve) => child.once('exit', resolve));
      if (existsSync(out)) assert.equal(code, 0, 'a folder of a job that failed');
      if (existsSync(out)) assert.equal(readdirSync(out).length, 4);
    });
});

describe('bowerbird train base', () => {
  it('keeps, lists and removes models by name', () => {
    assert.equal(run('train', 'base', 'add', detectorFiles().model, '--name', 'other').code, 0);
    const names = () => JSON.parse(run('train', 'base', 'list', '--json').out).map((one) => one.name);
    assert.deepEqual(names(), ['default', 'other']);
    const elsewhere = ['--data-dir', outOf('', 'elsewhere')];
    assert.equal(run('train', 'base', 'add', detectorFiles().model, '--name', 'there', ...elsewhere).code, 0);
    assert.match(run('train', 'base', 'list', ...elsewhere).out, /^there /);
    assert.ok(existsSync(outOf('elsewhere', 'bases/there.tflite')));
    assert.equal(run('train', 'base', 'remove', 'other').code, 0);
    assert.deepEqual(names(), ['default']);
    assert.equal(run('train', 'base', 'remove', 'other').code, 1);
  });

  it('refuses what is no base, and names that are none', () => {
    const file = path.join(folder, 'text.tflite');
    writeFileSync(file, 'text');
    assert.match(run('train', 'base', 'add', file).err, /not a TensorFlow Lite file/);
    assert.match(run('train', 'base', 'add', detectorFiles().model, '--name', '../x').err, /no name/);
    assert.equal(run('train', 'base', 'add', path.join(folder, 'nothing')).code, 1);
  });
});
