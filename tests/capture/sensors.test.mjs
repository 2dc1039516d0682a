// SPDX-License-Identifier: Apache-2.0
//
// The two sensors that the data manager asks: the one that says when to sync, and the one that says
// what to capture. Both read the last line of a file that the test writes.
import assert from 'node:assert/strict';
import { appendFileSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { capturedFiles } from '../durability/captured.mjs';
import { eventually } from '../server.mjs';
import { camera, lineSensor, Pair } from './pair.mjs';

const readImage = (frequency) => ({ method: 'ReadImage', capture_frequency_hz: frequency });

describe('sensors of the data manager', () => {
  const folder = mkdtempSync(path.join(tmpdir(), 'bowerbird-lines-'));
  const gate = path.join(folder, 'gate');
  const orders = path.join(folder, 'orders');
  const say = (file, reading) => appendFileSync(file, `${JSON.stringify(reading)}\n`);
  let pair, captures;

  before(async () => {
    writeFileSync(gate, '{"should_sync": false}\n');
    writeFileSync(orders, '{}\n');
    captures = path.join(folder, 'captures');
    const fake = { width: 64, height: 48, animated: true };
    pair = await Pair.start({
      components: [
        lineSensor('gate', gate),
        lineSensor('orders', orders),
        camera('front', 'fake', fake, readImage(20)),
        camera('back', 'fake', fake),
      ],
      manager: {
        capture_dir: captures,
        selective_syncer_name: 'gate',
        capture_control_sensor: { name: 'orders', key: 'captures' },
      },
    });
  });
  after(async () => {
    await pair?.close();
    rmSync(folder, { recursive: true, force: true });
  });

  it('nothing is sent while should_sync is false, all of it once it is true', async () => {
    await eventually(() => capturedFiles(captures).length > 20);
    assert.deepEqual(await pair.pictures('front'), []);
    say(gate, { should_sync: true });
    await eventually(async () => (await pair.pictures('front')).length > 20);
  });

  it('a reading that is not true or false stops the sending', async () => {
    say(gate, { should_sync: 'yes' });
    await eventually(async () => {
      const before = (await pair.pictures('front')).length;
      await sleep(500);
      return (await pair.pictures('front')).length === before;
    });
    await eventually(() => capturedFiles(captures).length > 10);
  });

  it('Sync sends whatever the sensor says', async () => {
    const before = (await pair.pictures('front')).length;
    await pair.dataManager.sync();
    assert.ok((await pair.pictures('front')).length > before);
  });

  it('a reading stops what the config wants and starts what it does not', async () => {
    say(orders, { captures: [
      { resource_name: 'front', method: 'ReadImage', capture_frequency_hz: 0 },
      { resource_name: 'back', method: 'ReadImage', capture_frequency_hz: 10, tags: ['ordered'] },
    ] });
    await eventually(async () => (await pair.collector('back', 'ReadImage'))?.records_written > 2);
    assert.equal(await pair.collector('front', 'ReadImage'), undefined);
    await pair.dataManager.sync();
    const [item] = await pair.pictures('back');
    assert.deepEqual(item.metadata.captureMetadata.tags, ['ordered']);
  });

  it('a reading without the key lets the config hold again', async () => {
    say(orders, { something: 'else' });
    await eventually(async () => (await pair.collector('front', 'ReadImage'))?.records_written > 2);
    assert.equal(await pair.collector('back', 'ReadImage'), undefined);
  });
});
