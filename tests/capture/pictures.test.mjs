// SPDX-License-Identifier: Apache-2.0
//
// CaptureAllFromCamera: what the vision service found in a picture lies at the hub as annotations of
// exactly that picture.
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { sdk } from '../conformance/clients.mjs';
import { eventually } from '../server.mjs';
import { demo, model, Pair, street, testData, vision, withoutDemo } from './pair.mjs';

const MIN_CONFIDENCE = 0.4;
// The hub's copy is a JPEG of what the model saw.
const SAME_BOX = 0.85;
const SAME_CONFIDENCE = 0.08;

const all = (frequency, minimum = MIN_CONFIDENCE) => ({
  method: 'CaptureAllFromCamera',
  capture_frequency_hz: frequency,
  tags: ['street-1'],
  additional_params: { camera_name: 'street', min_confidence_score: minimum },
});

function overlap(a, b) {
  const width = Math.min(a.x_max, b.x_max) - Math.max(a.x_min, b.x_min);
  const height = Math.min(a.y_max, b.y_max) - Math.max(a.y_min, b.y_min);
  if (width <= 0 || height <= 0) return 0;
  const area = (box) => (box.x_max - box.x_min) * (box.y_max - box.y_min);
  return (width * height) / (area(a) + area(b) - width * height);
}

const normalized = (box) => ({
  x_min: box.xMinNormalized,
  x_max: box.xMaxNormalized,
  y_min: box.yMinNormalized,
  y_max: box.yMaxNormalized,
});
const fromData = (box) => ({ label: box.label, confidence: box.confidence, ...normalized(box) });
const fromVision = (box) => ({
  label: box.className, confidence: box.confidence, ...normalized(box),
});

describe('CaptureAllFromCamera', { skip: withoutDemo }, () => {
  const classifier = testData('models/classify/tf2_mobilenet_v2_1.0_224_ptq.tflite');
  const names = testData('models/classify/labels.txt');
  let pair;

  before(async () => {
    const services = [
      model('detector', demo.model, demo.labels),
      vision('finder', { mlmodel_name: 'detector', camera_name: 'street' }, all(5)),
    ];
    if (classifier !== null)
      services.push(
        model('classes', classifier, names),
        vision('namer', { mlmodel_name: 'classes', camera_name: 'street' }, all(2, 0.001)));
    pair = await Pair.start({ components: [street()], services });
  });
  after(() => pair?.close());

  it('brings five pictures a second with their boxes to the hub', async () => {
    const found = await eventually(async () => {
      const items = await pair.pictures('finder');
      return items.length >= 25 && items;
    }, 30_000);
    const times = found.map((item) => item.metadata.timeRequested.toDate().getTime());
    const perSecond = (1000 * (times.length - 1)) / (times.at(-1) - times[0]);
    assert.ok(perSecond > 3 && perSecond < 5.5, `${perSecond} pictures a second`);
    for (const { metadata } of found) {
      assert.equal(metadata.captureMetadata.componentType, 'rdk:service:vision');
      assert.equal(metadata.captureMetadata.methodName, 'CaptureAllFromCamera');
      assert.equal(metadata.captureMetadata.mimeType, 'image/jpeg');
      assert.deepEqual(metadata.captureMetadata.tags, ['street-1']);
      for (const box of metadata.annotations?.bboxes ?? []) {
        assert.ok(box.confidence >= MIN_CONFIDENCE, `${box.label} of ${box.confidence}`);
        assert.ok(box.xMinNormalized >= 0 && box.xMinNormalized < box.xMaxNormalized);
        assert.ok(box.yMaxNormalized <= 1 && box.yMinNormalized < box.yMaxNormalized);
      }
    }
    const seen = found.filter((item) => (item.metadata.annotations?.bboxes ?? []).length > 0);
    assert.ok(seen.length * 2 > found.length, `boxes on ${seen.length} of ${found.length}`);
  });

  // The machine that captured is asked again, about the hub's copy: another process may run another
  // form of a quantised model, whichever is faster there.
  const again = (service) => new sdk.VisionClient(pair.robot, service);

  it('keeps with each picture the boxes that the model finds in it', async () => {
    const items = (await pair.pictures('finder')).slice(0, 5);
    let compared = 0;
    for (const item of items) {
      const found = await again('finder').getDetections(
        await pair.bytes(item), item.metadata.width, item.metadata.height, 'image/jpeg');
      const boxes = found.map(fromVision).filter((box) => box.confidence >= MIN_CONFIDENCE);
      const kept = item.metadata.annotations.bboxes.map(fromData);
      for (const [some, others] of [[kept, boxes], [boxes, kept]])
        for (const box of some) {
          if (box.confidence < MIN_CONFIDENCE + SAME_CONFIDENCE) continue;
          compared += 1;
          assert.ok(
            others.some((other) => other.label === box.label && overlap(box, other) > SAME_BOX &&
              Math.abs(other.confidence - box.confidence) < SAME_CONFIDENCE),
            `${JSON.stringify(box)} is not among ${JSON.stringify(others)}`);
        }
    }
    assert.ok(compared > 0, 'no box to compare');
  });

  it('keeps classes as classifications', {
    skip: classifier === null ? 'BOWERBIRD_TEST_DATA is not set' : false,
  }, async () => {
    const items = await eventually(async () => {
      const pictures = await pair.pictures('namer');
      return pictures.length >= 5 && pictures;
    });
    for (const item of items) {
      const [best] = await again('namer').getClassifications(await pair.bytes(item), 0, 0,
                                                             'image/jpeg', 1);
      const kept = item.metadata.annotations.classifications;
      assert.equal(item.metadata.annotations.bboxes.length, 0);
      const same = kept.find((one) => one.label === best.className);
      assert.ok(same, `${best.className} is not among ${kept.map((one) => one.label)}`);
      assert.ok(Math.abs(same.confidence - best.confidence) < SAME_CONFIDENCE,
                `${best.className}: ${same.confidence} was kept, ${best.confidence} found again`);
    }
  });
});
