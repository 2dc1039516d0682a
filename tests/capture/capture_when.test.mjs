// SPDX-License-Identifier: Apache-2.0
//
// `capture_when` on a machine: of what the cameras show only what is worth it reaches the hub, and
// its tags say why. Scores are reckoned again here from the annotations that came with the picture.
import assert from 'node:assert/strict';
import { copyFileSync, mkdtempSync, renameSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { eventually } from '../server.mjs';
import { camera, demo, model, Pair, street, testData, vision, withoutDemo } from './pair.mjs';

const MATCH_BY_OR = 1; // TagsFilterType

const when = (conditions, max_per_hour = 0) => ({ any: conditions, max_per_hour });
const readImage = (frequency, capture_when) => ({
  method: 'ReadImage', capture_frequency_hz: frequency, capture_when,
});
const all = (frequency, capture_when) => ({
  method: 'CaptureAllFromCamera', capture_frequency_hz: frequency, capture_when,
  additional_params: { camera_name: 'street' },
});

const tagsOf = (item) => item.metadata.captureMetadata.tags;

/** The score in percent that a tag tells. */
function scoreOf(item, kind) {
  assert.ok(tagsOf(item).includes(`why_${kind}`), `tags ${tagsOf(item)}`);
  const tag = tagsOf(item).find((one) => one.startsWith(`score_${kind}_`));
  return Number(tag.slice(`score_${kind}_`.length));
}

describe('capture_when', { skip: withoutDemo }, () => {
  const embedder = testData('models/classify/tf2_mobilenet_v2_1.0_224_ptq.tflite');
  const shelf = mkdtempSync(path.join(tmpdir(), 'bowerbird-shelf-'));
  const slide = path.join(shelf, 'slide.png');
  let pair;

  // In one step: a camera never sees half a file.
  const show = (number) => {
    copyFileSync(demo.pictures[number], `${slide}.new`);
    renameSync(`${slide}.new`, slide);
  };

  before(async () => {
    show(0);
    const fake = { width: 64, height: 48 };
    const services = [
      model('detector', demo.model, demo.labels),
      vision('unsure', { mlmodel_name: 'detector', camera_name: 'street',
                         default_minimum_confidence: 0.3 },
             all(4, when([{ type: 'least_confidence', threshold: 0.7 }]))),
      vision('strict', { mlmodel_name: 'detector', camera_name: 'street',
                         default_minimum_confidence: 0.999 }),
      model('features', embedder ?? demo.model),
      vision('classes', { mlmodel_name: 'features', camera_name: 'street' },
             ...(embedder === null ? [] : [all(4, when([{ type: 'margin', threshold: 0.5 }]))])),
    ];
    pair = await Pair.start({
      components: [
        street(readImage(2, when([{ type: 'disagreement', threshold: 0.5, vision: 'unsure',
                                    other: 'strict' }]))),
        camera('still', 'fake', fake, readImage(20, when([{ type: 'motion', threshold: 0.02 }]))),
        camera('moving', 'fake', { ...fake, animated: true },
               readImage(5, when([{ type: 'motion', threshold: 0.02 }]))),
        camera('busy', 'fake', { ...fake, animated: true },
               readImage(20, when([{ type: 'motion', threshold: 0 }], 3))),
        camera('slides', 'image_file', { color_image_file_path: slide },
               readImage(10, when([{ type: 'novelty', threshold: 0.02, model: 'features' }]))),
      ],
      services,
    });
  });
  after(async () => {
    await pair?.close();
    rmSync(shelf, { recursive: true, force: true });
  });

  const arrived = (name, count) =>
    eventually(async () => {
      const items = await pair.pictures(name);
      return items.length >= count && items;
    }, 30_000);

  it('novelty through a model: a picture is kept when it is new, and only then', async () => {
    await arrived('slides', 1);
    show(1);
    await arrived('slides', 2);
    show(0);
    const { not_kept: before } = await pair.collector('slides', 'ReadImage');
    await eventually(async () =>
      (await pair.collector('slides', 'ReadImage')).not_kept >= before + 10);
    const items = await pair.pictures('slides');
    assert.equal(items.length, 2, 'a picture that was known was kept');
    assert.equal(scoreOf(items[0], 'novelty'), 100);
    assert.ok(scoreOf(items[1], 'novelty') >= 2 && scoreOf(items[1], 'novelty') < 100);
  });

  it('motion: what stands still is not kept', async () => {
    for (const item of await arrived('moving', 3)) assert.ok(scoreOf(item, 'motion') >= 2);
    await eventually(async () => (await pair.collector('still', 'ReadImage')).not_kept > 20);
    assert.deepEqual(await pair.pictures('still'), []);
  });

  it('least confidence: the picture whose box is nearest to a toss-up', async () => {
    for (const item of await arrived('unsure', 3)) {
      const boxes = item.metadata.annotations.bboxes;
      const score = Math.max(...boxes.map((box) => 1 - Math.abs(2 * box.confidence - 1)));
      assert.ok(score >= 0.7 - 1e-6, `kept at ${score}`);
      assert.ok(Math.abs(scoreOf(item, 'least_confidence') - 100 * score) <= 0.51);
    }
  });

  it('margin: the picture whose best two classes are close', {
    skip: embedder === null ? 'BOWERBIRD_TEST_DATA is not set' : false,
  }, async () => {
    for (const item of await arrived('classes', 3)) {
      const [best, second] = item.metadata.annotations.classifications
        .map((one) => one.confidence).sort((a, b) => b - a);
      assert.ok(1 - (best - second) >= 0.5 - 1e-6);
      assert.ok(Math.abs(scoreOf(item, 'margin') - 100 * (1 - (best - second))) <= 0.51);
    }
  });

  it('disagreement: where one service sees what the other does not', async () => {
    // The strict service finds nothing: what the other one finds is all in dispute.
    for (const item of await arrived('street', 3)) assert.equal(scoreOf(item, 'disagreement'), 100);
  });

  it('max_per_hour is spent and not more, and the status says so', async () => {
    await arrived('busy', 3);
    const status = await eventually(async () => {
      const now = await pair.collector('busy', 'ReadImage');
      return now.not_kept > 20 && now;
    });
    assert.equal(status.over_budget, status.not_kept);
    await sleep(500);
    assert.equal((await pair.pictures('busy')).length, 3);
  });

  it('why an item was kept can be filtered by', async () => {
    const { count } = await pair.client.data.binaryDataByFilter(
      { tagsFilter: { type: MATCH_BY_OR, tags: ['why_novelty'] } }, 1, undefined, '', false, true);
    assert.equal(Number(count), 2);
  });
});
