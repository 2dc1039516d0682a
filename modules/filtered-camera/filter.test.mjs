// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { readConfig } from './config.mjs';
import { matches, Statistics } from './verdict.mjs';
import { Window } from './window.mjs';

const frame = (time, bytes = 1) => ({ time, images: [{ image: Buffer.alloc(bytes) }] });
const times = (frames) => frames.map(({ time }) => time);
const window = (fields) => new Window({ before: 0, after: 0, cooldown: 0, maxBytes: 1000, ...fields });

describe('the window around a trigger', () => {
  it('has what was seen before, in order, and what comes after, once', () => {
    const kept = window({ before: 2, after: 1 });
    for (const time of [0, 1000, 2000, 3000]) kept.add(frame(time));
    kept.trigger(frame(3500));
    kept.add(frame(4000));
    kept.add(frame(4600));
    assert.deepEqual(times(kept.take(1000)), [2000, 3000, 3500, 4000]);
    assert.deepEqual(kept.take(1000), []);
    kept.trigger(frame(5000));
    assert.deepEqual(times(kept.take(1000)), [4600, 5000]);
  });

  it('is the triggering frame alone where no seconds are given', () => {
    const kept = window();
    kept.add(frame(1));
    kept.trigger(frame(2));
    kept.add(frame(3));
    assert.deepEqual(times(kept.take(1000)), [2]);
  });

  it('is followed by a rest', () => {
    const kept = window({ after: 1, cooldown: 2 });
    kept.trigger(frame(1000));
    assert.equal(kept.listens(3999), false);
    assert.equal(kept.listens(4000), true);
  });

  it('is given out in pieces, and forgets the oldest where it is full', () => {
    const kept = window({ after: 100, maxBytes: 30 });
    kept.trigger(frame(0, 10));
    for (const time of [1, 2, 3]) kept.add(frame(time, 10));
    assert.equal(kept.dropped, 1);
    assert.deepEqual(times(kept.take(25)), [1, 2]);
    assert.deepEqual(times(kept.take(5)), [3], 'one, however large');
  });
});

describe('what vision services find', () => {
  const service = { classifications: { cat: 0.5, '*': 0.9 }, objects: { dog: 0.5 } };

  it('must be surer than asked for, not as sure', () => {
    assert.equal(matches(service, { classifications: [{ className: 'cat', confidence: 0.5 }] }), null);
    const found = matches(service, { classifications: [{ className: 'cat', confidence: 0.51 }] });
    assert.deepEqual(found.classifications, [{ label: 'cat', confidence: 0.51 }]);
  });

  it('may be any label where * stands, and no other where it does not', () => {
    assert.ok(matches(service, { classifications: [{ className: 'owl', confidence: 0.95 }] }));
    assert.equal(matches(service, { classifications: [{ className: 'owl', confidence: 0.9 }] }), null);
    assert.equal(matches(service, { detections: [{ className: 'owl', confidence: 1 }] }), null);
  });

  it('is counted', () => {
    const statistics = new Statistics(new Date(0));
    statistics.count(true, ['eye']);
    statistics.count(false, []);
    statistics.count(false, ['guard']);
    assert.deepEqual(statistics.toObject(), {
      accepted: { total: 1, vision: { eye: 1 } },
      rejected: { total: 2, vision: { guard: 1 } },
      start_time: '1970-01-01T00:00:00.000Z',
    });
  });
});

describe('the attributes', () => {
  const eye = { vision: 'eye', objects: { dog: 0.5 } };

  it('have defaults, and an older form', () => {
    const config = readConfig({ camera: 'c', vision_services: [eye] });
    assert.deepEqual([config.frequency, config.before, config.after, config.cooldown], [1, 0, 0, 0]);
    const older = readConfig({ camera: 'c', vision: 'eye', classifications: { dog: 0.5 }, window_seconds: 3 });
    assert.deepEqual([older.before, older.after, older.services[0].vision], [3, 3, 'eye']);
  });

  for (const [what, attributes, error] of [
    ['no camera', { vision_services: [eye] }, /"camera" is missing/],
    ['no services', { camera: 'c' }, /"vision_services" must have a service/],
    ['only inhibiting ones', { camera: 'c', vision_services: [{ ...eye, inhibit: true }] }, /not "inhibit"/],
    ['nothing to look for', { camera: 'c', vision_services: [{ vision: 'eye' }] }, /vision_services\[0\]: "classifications" or "objects"/],
    ['a score that is no number', { camera: 'c', vision_services: [{ vision: 'eye', objects: { dog: '1' } }] }, /a score for each label/],
    ['a window before time', { camera: 'c', vision_services: [eye], window_seconds_before: -1 }, /0 or more/],
    ['both forms of windows', { camera: 'c', vision_services: [eye], window_seconds: 1, window_seconds_after: 1 }, /leave one out/],
    ['a frequency of 0', { camera: 'c', vision_services: [eye], image_frequency: 0 }, /more than 0/],
  ])
    it(`with ${what} are refused`, () => assert.throws(() => readConfig(attributes), error));
});
