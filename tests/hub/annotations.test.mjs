// SPDX-License-Identifier: Apache-2.0
//
// bowerbird.v1.AnnotationService and UpkeepService over the wire: each call, what it answers to
// requests that are wrong, and what is left afterwards.
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { rmSync, truncateSync } from 'node:fs';
import path from 'node:path';
import { after, before, describe, it } from 'node:test';
import { FAILED_PRECONDITION, INVALID_ARGUMENT, NOT_FOUND } from '../conformance/codes.mjs';
import { rejects } from '../conformance/expect.mjs';
import { caller } from './services.mjs';
import { ADMIN, makeKey, picture, services, startHub, uploadBinary } from './world.mjs';

after(() => setTimeout(() => process.exit(), 200).unref());

const data = services['viam.app.data.v1.DataService'];
const datasets = services['viam.app.dataset.v1.DatasetService'];
const app = services['viam.app.v1.AppService'];
const annotation = services['bowerbird.v1.AnnotationService'];
const upkeep = services['bowerbird.v1.UpkeepService'];
const snapshots = services['bowerbird.v1.SnapshotService'];

const box = (label, more = {}) => ({
  label,
  xMinNormalized: 0.25,
  yMinNormalized: 0.25,
  xMaxNormalized: 0.5,
  yMaxNormalized: 0.75,
  ...more,
});

describe('annotations and upkeep', () => {
  let server, call, organization, part;
  before(async () => {
    server = await startHub();
    const admin = caller(server.url, ADMIN);
    organization = (await admin(app, 'ListOrganizations', {})).organizations[0].id;
    const { locations } = await admin(app, 'ListLocations', { organizationId: organization });
    const { robots } = await admin(app, 'ListRobots', { locationId: locations[0].id });
    part = (await admin(app, 'GetRobotParts', { robotId: robots[0].id })).parts[0].id;
    call = caller(
      server.url,
      await makeKey(admin, 'organization', organization, 'owner', 'the labeller'),
    );
  });
  after(() => server?.close());

  const annotationsOf = async (id) =>
    (await call(data, 'BinaryDataByIDs', { binaryDataIds: [id] })).data[0].metadata.annotations;
  const set = (id, annotations) =>
    call(annotation, 'SetAnnotations', { items: [{ binaryDataId: id, annotations }] });
  const changesOf = async (id) =>
    (await call(annotation, 'ListAnnotationChanges', { binaryDataId: id })).changes;
  const blobPath = (content) => {
    const hash = createHash('sha256').update(content).digest('hex');
    return path.join(server.folder, 'data/hub/blobs', hash.slice(0, 2), hash);
  };

  it('sets boxes and classifications as a whole, and leaves tags', async () => {
    const id = await uploadBinary(call, part, 10, `${picture}10`);
    await call(data, 'AddTagsToBinaryDataByIDs', { binaryDataIds: [id], tags: ['kept'] });
    const wanted = {
      bboxes: [box('cat'), box('dog', { confidence: 0.5 })],
      classifications: [{ label: 'indoors', confidence: 0.75 }],
    };
    assert.equal((await set(id, wanted)).changed, '1');
    const got = await annotationsOf(id);
    assert.deepEqual(got.bboxes.map((one) => one.label), ['cat', 'dog']);
    assert.equal(got.bboxes[1].confidence, 0.5);
    assert.equal(got.bboxes[0].yMaxNormalized, 0.75);
    assert.deepEqual(got.classifications.map((one) => one.label), ['indoors']);
    // The same again is no change, and less replaces more.
    assert.deepEqual(await set(id, got), {});
    assert.equal((await set(id, { bboxes: [box('cow')] })).changed, '1');
    const after = await annotationsOf(id);
    assert.deepEqual(after.bboxes.map((one) => one.label), ['cow']);
    assert.equal(after.classifications ?? undefined, undefined);
    const { tags } = await call(data, 'TagsByFilter', { filter: { componentName: 'cam' } });
    assert.deepEqual(tags, ['kept']);
  });

  it('reports the items that cannot be, and does the others', async () => {
    const good = await uploadBinary(call, part, 20, `${picture}20`);
    const bad = await uploadBinary(call, part, 21, `${picture}21`);
    const missing = `${good.slice(0, -4)}ffff`;
    const answer = await call(annotation, 'SetAnnotations', {
      items: [
        { binaryDataId: bad, annotations: { bboxes: [box('flat', { xMaxNormalized: 0.25 })] } },
        { binaryDataId: missing, annotations: { bboxes: [box('nowhere')] } },
        { binaryDataId: good, annotations: { bboxes: [box('fine')] } },
      ],
    });
    assert.equal(answer.changed, '1');
    assert.deepEqual(answer.problems.map((one) => one.binaryDataId), [bad, missing]);
    for (const { message } of answer.problems) assert.ok(message.length > 10, message);
    assert.equal((await annotationsOf(bad))?.bboxes ?? undefined, undefined);
    assert.equal((await annotationsOf(good)).bboxes[0].label, 'fine');
    const many = Array(1001).fill({ binaryDataId: good, annotations: {} });
    await rejects(() => call(annotation, 'SetAnnotations', { items: many }), INVALID_ARGUMENT, /1000/);
  });

  it('reads what is said about all items, in portions that follow each other', async () => {
    const ids = [];
    for (const second of [50, 51, 52]) {
      const content = Buffer.concat([picture, Buffer.from(`${second}`)]);
      ids.push(await uploadBinary(call, part, second, content));
      await set(ids.at(-1), { bboxes: [box(`bulk ${second}`)] });
    }
    const wanted = { bboxLabels: [50, 51, 52].map((second) => `bulk ${second}`) };
    const readAll = (request) => call(annotation, 'ReadAnnotations', { filter: wanted, ...request });
    const items = (messages) => messages.flatMap((one) => one.items ?? []);
    const all = await readAll({});
    assert.deepEqual(items(all).map((one) => one.binaryDataId), ids);
    assert.equal(all.at(-1).last ?? '', '');
    const [first] = items(all);
    assert.equal(first.annotations.bboxes[0].label, 'bulk 50');
    assert.ok(first.width > 0 && first.height > 0);
    assert.equal(first.fileSizeBytes, `${picture.length + 2}`);
    const two = await readAll({ limit: '2' });
    assert.deepEqual(items(two).map((one) => one.binaryDataId), ids.slice(0, 2));
    const rest = await readAll({ last: two.at(-1).last });
    assert.deepEqual(items(rest).map((one) => one.binaryDataId), ids.slice(2));
    await rejects(() => readAll({ last: 'nowhere' }), INVALID_ARGUMENT, /last/);
  });

  it('knows who changed what from what to what, and takes it back', async () => {
    const id = await uploadBinary(call, part, 30, `${picture}30`);
    await set(id, { bboxes: [box('first')] });
    await set(id, { bboxes: [box('second')] });
    const [newest, older] = await changesOf(id);
    assert.equal(newest.changedBy, 'the labeller');
    assert.equal(newest.before.bboxes[0].label, 'first');
    assert.equal(newest.after.bboxes[0].label, 'second');
    assert.ok(Date.parse(newest.time) >= Date.parse(older.time));
    await rejects(
      () => call(annotation, 'UndoAnnotationChange', { changeId: older.id }),
      FAILED_PRECONDITION,
    );
    const { change } = await call(annotation, 'UndoAnnotationChange', { changeId: newest.id });
    assert.equal(change.after.bboxes[0].label, 'first');
    assert.equal((await annotationsOf(id)).bboxes[0].label, 'first');
    assert.equal((await changesOf(id)).length, 3);
    for (const changeId of ['', 'x', `${newest.id}9`])
      await rejects(
        () => call(annotation, 'UndoAnnotationChange', { changeId }),
        [NOT_FOUND, INVALID_ARGUMENT],
      );
    await rejects(
      () => call(annotation, 'ListAnnotationChanges', { binaryDataId: 'a/b/c' }),
      [NOT_FOUND],
    );
  });

  it('names every file that is missing or altered', async () => {
    const whole = await call(upkeep, 'VerifyData', {});
    assert.equal(whole.at(-1).checked, whole.at(-1).total);
    assert.deepEqual(whole.flatMap((one) => one.problems ?? []), []);
    const missing = await uploadBinary(call, part, 40, 'goes missing');
    const shorter = await uploadBinary(call, part, 41, 'becomes shorter');
    rmSync(blobPath('goes missing'));
    truncateSync(blobPath('becomes shorter'), 3);
    for (const quick of [true, false]) {
      const reports = await call(upkeep, 'VerifyData', { quick });
      const problems = reports.flatMap((one) => one.problems ?? []);
      assert.deepEqual(problems.map((one) => one.binaryDataId).sort(), [missing, shorter].sort());
      const said = Object.fromEntries(problems.map((one) => [one.binaryDataId, one.message]));
      assert.match(said[missing], /is missing/);
      assert.match(said[shorter], /has 3 bytes instead of 15/);
    }
  });

  it('removes what is too old or too much, says so before, and keeps what a snapshot holds', async () => {
    const old = { componentName: 'old' };
    const ids = [];
    for (const second of [50, 51, 52])
      ids.push(await uploadBinary(call, part, second, `old ${second}`, old));
    const set1 = await call(datasets, 'CreateDataset', { organizationId: organization, name: 'set' });
    const member = { binaryDataIds: [ids[0]], datasetId: set1.id };
    await call(data, 'AddBinaryDataToDatasetByIDs', member);
    await call(snapshots, 'CreateSnapshot', { datasetId: set1.id });
    const policy = { days: 1, filter: old };
    const plan = await call(upkeep, 'ApplyRetention', { ...policy, dryRun: true });
    assert.deepEqual(plan, { items: '2', bytes: '12', pinnedItems: '1' });
    const count = async () =>
      (await call(data, 'BinaryDataByFilter', { dataRequest: { filter: old }, countOnly: true })).count;
    assert.equal(await count(), '3');
    assert.deepEqual(await call(upkeep, 'ApplyRetention', policy), plan);
    assert.equal(await count(), '1');
    assert.deepEqual(await call(upkeep, 'ApplyRetention', policy), { pinnedItems: '1' });

    const much = { componentName: 'much' };
    for (const second of [60, 61, 62]) await uploadBinary(call, part, second, `much ${second}`, much);
    const bytes = { binaryLimitBytes: '14', filter: much };
    assert.deepEqual(await call(upkeep, 'ApplyRetention', bytes), { items: '1', bytes: '7' });
    const left = await call(data, 'BinaryDataByFilter', {
      dataRequest: { filter: much, sortOrder: 'ORDER_ASCENDING' },
    });
    assert.deepEqual(
      left.data.map((one) => one.metadata.timeRequested),
      ['2026-01-01T00:01:01Z', '2026-01-01T00:01:02Z'],
    );
    await rejects(() => call(upkeep, 'ApplyRetention', { filter: much }), INVALID_ARGUMENT, /limit/);
  });
});
