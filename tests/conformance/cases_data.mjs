// SPDX-License-Identifier: Apache-2.0
//
// dataClient: every call that the hub serves, and how calls fail. Each case captures under a
// component name of its own, so that cases need not clean up after one another.
import { createHash } from 'node:crypto';
import {
  ALREADY_EXISTS,
  INVALID_ARGUMENT,
  NOT_FOUND,
  UNIMPLEMENTED,
} from './codes.mjs';
import { equal, near, ok, rejects } from './expect.mjs';

const CAMERA = 'rdk:component:camera';
const SENSOR = 'rdk:component:sensor';
const JPEG = new Uint8Array([0xff, 0xd8, 0xff, 0xe0, 1, 2, 3, 4]);
const bytes = (text) => new TextEncoder().encode(text);
const at = (second) => new Date(Date.UTC(2026, 0, 1, 0, 0, second));
let names = 0;

// The SDK does not export the class that has it.
const filterOf = (hub, fields) => hub.data.constructor.createFilter(fields);

/** A component name nobody has used, uploads under it, and the filter that finds them. */
function camera(hub) {
  const name = `cam-${hub.transport}-${(names += 1)}`;
  const filter = (more = {}) => filterOf(hub, { componentName: name, ...more });
  return {
    name,
    filter,
    upload: (content, second = 0, { tags, datasetIds, extension = '.jpg' } = {}) =>
      hub.data.binaryDataCaptureUpload(
        content, hub.partId, CAMERA, name, 'ReadImage', extension,
        [at(second), at(second)], tags, datasetIds,
      ),
    find: (more = {}, ...rest) => hub.data.binaryDataByFilter(filter(more), ...rest),
  };
}

async function withReadings(hub, rows, tags) {
  const name = `climate-${hub.transport}-${(names += 1)}`;
  await hub.data.tabularDataCaptureUpload(
    rows, hub.partId, SENSOR, name, 'Readings',
    rows.map((_row, i) => [at(i), at(i)]), tags,
  );
  return name;
}

const itemCases = [
  {
    name: 'an uploaded picture comes back with its bytes and what is known of it',
    async run({ hub }) {
      const cam = camera(hub);
      const id = await cam.upload(JPEG, 5, { tags: ['day'] });
      const { data, count } = await cam.find({}, undefined, undefined, '', true);
      equal(data.length, 1);
      equal(count, 1n);
      equal([...data[0].binary], [...JPEG]);
      const { metadata } = data[0];
      equal(metadata.binaryDataId, id);
      equal(id, `${hub.organizationId}/${hub.locationId}/${metadata.id}`);
      equal(metadata.fileExt, '.jpg');
      equal(metadata.timeRequested.toDate().toISOString(), at(5).toISOString());
      const capture = metadata.captureMetadata;
      equal([capture.partId, capture.robotId, capture.componentName, capture.methodName],
        [hub.partId, hub.robotId, cam.name, 'ReadImage']);
      equal(capture.mimeType, 'image/jpeg');
      equal(capture.tags, ['day']);
    },
  },
  {
    name: 'the same upload sent three times is there once',
    async run({ hub }) {
      const cam = camera(hub);
      const id = await cam.upload(bytes('once'));
      equal(await cam.upload(bytes('once')), id);
      equal(await cam.upload(bytes('once')), id);
      equal((await cam.find({}, undefined, undefined, '', false, true)).count, 1n);
    },
  },
  {
    name: 'an upload for an unknown part is NOT_FOUND, for none INVALID_ARGUMENT',
    async run({ hub }) {
      const upload = (part) =>
        hub.data.binaryDataCaptureUpload(JPEG, part, CAMERA, 'c', 'ReadImage', '.jpg',
          [at(0), at(0)]);
      await rejects(() => upload('00000000-0000-4000-8000-000000000000'), NOT_FOUND);
      await rejects(() => upload(''), INVALID_ARGUMENT);
    },
  },
  {
    name: 'pages go on until one is empty, in both orders',
    async run({ hub }) {
      const cam = camera(hub);
      const ids = [];
      for (let i = 0; i < 7; i += 1) ids.push(await cam.upload(bytes(`page ${i}`), i));
      for (const [order, wanted] of [[2, ids], [1, [...ids].reverse()]]) {
        const seen = [];
        let last = '';
        for (;;) {
          const page = await cam.find({}, 3, order, last, false);
          if (page.data.length === 0) break;
          seen.push(...page.data.map((item) => item.metadata.binaryDataId));
          ({ last } = page);
          ok(last !== '', 'a page that is not empty says where it ended');
        }
        equal(seen, wanted);
      }
      await rejects(() => cam.find({}, 3, 1, 'no place that a page ended at', false),
        INVALID_ARGUMENT);
    },
  },
  {
    name: 'a page has fifty items unless another number is asked for',
    async run({ hub }) {
      const cam = camera(hub);
      await Promise.all(Array.from({ length: 52 }, (_, i) => cam.upload(bytes(`p${i}`), i)));
      equal((await cam.find({}, undefined, undefined, '', false)).data.length, 50);
      equal((await cam.find({}, 52, undefined, '', false)).data.length, 52);
    },
  },
  {
    name: 'filters are joined by AND, their values by OR',
    async run({ hub }) {
      const cam = camera(hub);
      const day = await cam.upload(bytes('d'), 1, { tags: ['day'] });
      const night = await cam.upload(bytes('n'), 2, { tags: ['night'], extension: '.png' });
      await cam.upload(bytes('u'), 3);
      const ids = async (more) =>
        (await cam.find(more, undefined, 2, '', false)).data.map((d) => d.metadata.binaryDataId);
      equal(await ids({ tags: ['day', 'night'] }), [day, night]);
      equal(await ids({ tags: ['day', 'night'], mimeType: ['image/png'] }), [night]);
      equal(await ids({ startTime: at(1), endTime: at(2) }), [day]);
      equal(await ids({ tagsFilter: { type: 2, tags: [] } }), [day, night]);
      equal((await ids({ tagsFilter: { type: 3, tags: [] } })).length, 1);
      equal(await ids({ robotName: 'no such machine' }), []);
      equal(await ids({ organizationIds: [hub.organizationId], tags: ['day'] }), [day]);
      await rejects(() => ids({ startTime: at(2), endTime: at(1) }), INVALID_ARGUMENT);
    },
  },
  {
    name: 'items by id, in both forms of ids, in the order asked for',
    async run({ hub }) {
      const cam = camera(hub);
      const one = await cam.upload(bytes('1'), 1);
      const two = await cam.upload(bytes('2'), 2);
      const got = await hub.data.binaryDataByIds([two, one], true);
      equal(got.map((item) => new TextDecoder().decode(item.binary)), ['2', '1']);
      const parts = {
        organizationId: hub.organizationId,
        locationId: hub.locationId,
        fileId: one.split('/').pop(),
      };
      const [again] = await hub.data.binaryDataByIds([parts], false);
      equal(again.metadata.binaryDataId, one);
      equal(again.binary.length, 0);
      await rejects(() => hub.data.binaryDataByIds([], false), INVALID_ARGUMENT);
      await rejects(() => hub.data.binaryDataByIds([`${one.slice(0, -40)}${'0'.repeat(40)}`]),
        NOT_FOUND);
      await rejects(() => hub.data.binaryDataByIds([`other/loc/${'0'.repeat(40)}`]), NOT_FOUND);
    },
  },
  {
    name: 'items are deleted by id and by filter, and told by number',
    async run({ hub }) {
      const cam = camera(hub);
      const ids = [];
      for (let i = 0; i < 3; i += 1) ids.push(await cam.upload(bytes(`gone ${i}`), i));
      equal(await hub.data.deleteBinaryDataByIds([ids[0]]), 1n);
      equal(await hub.data.deleteBinaryDataByIds([ids[0]]), 0n);
      equal(await hub.data.deleteBinaryDataByFilter(cam.filter()), 2n);
      equal((await cam.find({}, undefined, undefined, '', false)).data.length, 0);
      await rejects(() => hub.data.binaryDataByIds([ids[1]]), NOT_FOUND);
    },
  },
  {
    name: 'a file is uploaded in pieces',
    grpcOnly: true, // fetch cannot stream a request
    async run({ hub }) {
      const content = new Uint8Array(300_000).map((_, i) => i % 251);
      const id = await hub.data.fileUpload(content, hub.partId, {
        fileName: '/shots/a b.png', fileExtension: '.png', tags: ['file'],
      });
      const [item] = await hub.data.binaryDataByIds([id], true);
      const hash = (data) => createHash('sha256').update(data).digest('hex');
      equal(hash(item.binary), hash(content));
      equal(item.metadata.fileName, '/shots/a b.png');
      equal(item.metadata.captureMetadata.mimeType, 'image/png');
      await rejects(() => hub.data.fileUpload(content, 'no-such-part', {}), NOT_FOUND);
    },
  },
  {
    name: 'a signed link opens the file, whole, in part, and once only for who has it already',
    async run({ hub }) {
      const cam = camera(hub);
      const id = await cam.upload(bytes('0123456789'), 1);
      const link = await hub.data.createBinaryDataSignedURL(id, 5);
      const whole = await fetch(link);
      equal([whole.status, await whole.text()], [200, '0123456789']);
      equal(whole.headers.get('content-type'), 'image/jpeg');
      const part = await fetch(link, { headers: { range: 'bytes=2-4' } });
      equal([part.status, await part.text()], [206, '234']);
      equal(part.headers.get('content-range'), 'bytes 2-4/10');
      const tag = whole.headers.get('etag');
      equal((await fetch(link, { headers: { 'if-none-match': tag } })).status, 304);
      equal((await fetch(link, { method: 'HEAD' })).headers.get('content-length'), '10');
      equal((await fetch(link.replace(/expires=\d+/, 'expires=9999999999'))).status, 403);
      await rejects(() => hub.data.createBinaryDataSignedURL(id, 0), INVALID_ARGUMENT);
      await rejects(() => hub.data.createBinaryDataSignedURL(`x/y/${'0'.repeat(40)}`), NOT_FOUND);
    },
  },
];

const labelCases = [
  {
    name: 'tags are added and removed, by id and by filter',
    async run({ hub }) {
      const cam = camera(hub);
      const one = await cam.upload(bytes('1'), 1);
      const two = await cam.upload(bytes('2'), 2);
      await hub.data.addTagsToBinaryDataByIds(['a', 'b'], [one]);
      await hub.data.addTagsToBinaryDataByFilter(['c'], cam.filter());
      equal(await hub.data.tagsByFilter(cam.filter()), ['a', 'b', 'c']);
      equal(await hub.data.removeTagsFromBinaryDataByIds(['a', 'x'], [one, two]), 1n);
      equal(await hub.data.removeTagsFromBinaryDataByFilter(['c'], cam.filter()), 2n);
      equal(await hub.data.tagsByFilter(cam.filter()), ['b']);
      await rejects(() => hub.data.addTagsToBinaryDataByIds([], [one]), INVALID_ARGUMENT);
      await rejects(() => hub.data.addTagsToBinaryDataByIds(['t'], []), INVALID_ARGUMENT);
      await rejects(
        () => hub.data.addTagsToBinaryDataByIds(['t'], [`x/y/${'0'.repeat(40)}`]), NOT_FOUND);
    },
  },
  {
    name: 'boxes are drawn, changed and taken away',
    async run({ hub }) {
      const cam = camera(hub);
      const id = await cam.upload(JPEG, 1);
      const box = await hub.data.addBoundingBoxToImageById(id, 'bird', 0.1, 0.2, 0.5, 0.6, 0.9);
      equal(await hub.data.boundingBoxLabelsByFilter(cam.filter()), ['bird']);
      equal((await cam.find({ bboxLabels: ['bird', 'cat'] })).data.length, 1);
      await hub.data.updateBoundingBox(id, box, 'cat', 0.1, 0.2, 0.75, 0.6);
      const [item] = await hub.data.binaryDataByIds([id], false);
      const [changed] = item.metadata.annotations.bboxes;
      equal([changed.id, changed.label], [box, 'cat']);
      near(changed.xMaxNormalized, 0.75, 1e-9);
      await hub.data.removeBoundingBoxFromImageById(id, box);
      equal(await hub.data.boundingBoxLabelsByFilter(cam.filter()), []);
      const add = (...corners) =>
        hub.data.addBoundingBoxToImageById(id, 'bird', ...corners);
      await rejects(() => add(0, 0, 1.5, 1), INVALID_ARGUMENT);
      await rejects(() => add(0.5, 0, 0.5, 1), INVALID_ARGUMENT);
      await rejects(() => hub.data.removeBoundingBoxFromImageById(id, box), NOT_FOUND);
    },
  },
];

const datasetCases = [
  {
    name: 'datasets are made, named, listed, filled, merged and deleted',
    async run({ hub }) {
      const cam = camera(hub);
      const name = `birds ${cam.name}`;
      const id = await hub.data.createDataset(name, hub.organizationId);
      ok(/^[0-9a-f]{24}$/.test(id), `${id} is no id of a dataset`);
      await rejects(() => hub.data.createDataset(name, hub.organizationId), ALREADY_EXISTS);
      await hub.data.renameDataset(id, `${name}!`);
      const [found] = await hub.data.listDatasetsByIds([id]);
      equal([found.name, found.organizationId], [`${name}!`, hub.organizationId]);
      ok(found.created instanceof Date, 'it says when it was made');
      const all = await hub.data.listDatasetsByOrganizationID(hub.organizationId);
      ok(all.some((one) => one.id === id), 'it is listed');
      const item = await cam.upload(JPEG, 1);
      const member = await cam.upload(bytes('2'), 2, { datasetIds: [id] });
      await hub.data.addBinaryDataToDatasetByIds([item], id);
      const ids = async (dataset) =>
        (await hub.data.binaryDataByFilter(
          filterOf(hub, { datasetId: dataset }), 50, 2, '', false))
          .data.map((one) => one.metadata.binaryDataId);
      equal(await ids(id), [item, member]);
      await hub.data.removeBinaryDataFromDatasetByIds([item], id);
      equal(await ids(id), [member]);
      await hub.data.deleteDataset(id);
      equal(await hub.data.listDatasetsByIds([id]), []);
      equal((await hub.data.binaryDataByIds([member], false)).length, 1);
    },
  },
  {
    name: 'calls for datasets that do not exist fail',
    async run({ hub }) {
      const none = '0123456789abcdef01234567';
      const id = await camera(hub).upload(JPEG, 1);
      await rejects(() => hub.data.deleteDataset(none), NOT_FOUND);
      await rejects(() => hub.data.renameDataset(none, 'x'), NOT_FOUND);
      await rejects(() => hub.data.addBinaryDataToDatasetByIds([id], none), NOT_FOUND);
      await rejects(() => hub.data.createDataset('', hub.organizationId), INVALID_ARGUMENT);
      await rejects(() => hub.data.createDataset('x', 'no-such-organization'), NOT_FOUND);
    },
  },
];

const readingCases = [
  {
    name: 'readings are found, exported in order, and the last one is the latest',
    async run({ hub }) {
      const rows = [{ readings: { t: 1 } }, { readings: { t: 2.5, on: true } }];
      const name = await withReadings(hub, rows, ['lab']);
      const filter = filterOf(hub, { componentName: name });
      const found = await hub.data.tabularDataByFilter(filter);
      equal(found.data.map((one) => one.data), [...rows].reverse());
      equal(found.data[0].metadata.componentName, name);
      equal(found.data[0].metadata.tags, ['lab']);
      equal((await hub.data.tabularDataByFilter(filter, 50, undefined, '', true)).count, 2n);
      const exported = await hub.data.exportTabularData(hub.partId, name, SENSOR, 'Readings');
      equal(exported.map((one) => one.payload), rows);
      equal(exported[0].methodParameters, {});
      equal(exported[0].timeCaptured.toISOString(), at(0).toISOString());
      const later = await hub.data.exportTabularData(
        hub.partId, name, SENSOR, 'Readings', at(1), at(9));
      equal(later.map((one) => one.payload), rows.slice(1));
      const latest = await hub.data.getLatestTabularData(hub.partId, name, SENSOR, 'Readings');
      equal(latest[2], rows[1]);
      equal(await hub.data.getLatestTabularData(hub.partId, 'nobody', SENSOR, 'Readings'), null);
    },
  },
  {
    name: 'SQL answers documents with numbers, texts, times and objects',
    async run({ hub }) {
      const name = await withReadings(hub, [{ readings: { t: 20.5 } }, { readings: { t: 21 } }]);
      const ask = (sql) => hub.data.tabularDataBySQL(hub.organizationId, sql);
      const rows = await ask(
        `SELECT component_name, time_requested, data FROM readings
         WHERE component_name = '${name}' ORDER BY time_requested`);
      equal(rows.length, 2);
      equal(rows[0].component_name, name);
      ok(rows[0].time_requested instanceof Date, 'a time is a Date');
      equal(rows[0].time_requested.toISOString(), at(0).toISOString());
      equal(rows.map((row) => row.data), [{ readings: { t: 20.5 } }, { readings: { t: 21 } }]);
      const [counted] = await ask(
        `SELECT count(*) AS n FROM readings WHERE component_name = '${name}'`);
      equal(counted, { n: 2 });
      await rejects(() => ask('DELETE FROM readings'), INVALID_ARGUMENT);
      await rejects(() => ask('SELEKT'), INVALID_ARGUMENT);
      await rejects(() => hub.data.tabularDataBySQL('no-such-organization', 'SELECT 1'), NOT_FOUND);
    },
  },
  {
    name: 'what is not served says so',
    async run({ hub }) {
      await rejects(() => hub.data.tabularDataByMQL(hub.organizationId, [{ $limit: 1 }]),
        UNIMPLEMENTED, /TabularDataByMQL/);
      await rejects(() => hub.data.getDatabaseConnection(hub.organizationId), UNIMPLEMENTED);
      await rejects(() => hub.data.configureDatabaseUser(hub.organizationId, 'Aa1!aaaa'),
        UNIMPLEMENTED);
    },
  },
  {
    // Last: it takes the readings of every other case.
    name: 'readings are deleted by age',
    async run({ hub }) {
      const name = await withReadings(hub, [{ readings: { t: 1 } }]);
      equal(await hub.data.deleteTabularData(hub.organizationId, 20_000), 0n);
      ok((await hub.data.deleteTabularData(hub.organizationId, 0)) >= 1n, 'it tells how many');
      equal((await hub.data.exportTabularData(hub.partId, name, SENSOR, 'Readings')).length, 0);
    },
  },
];

export const dataCases = [...itemCases, ...labelCases, ...datasetCases, ...readingCases];
