// SPDX-License-Identifier: Apache-2.0
//
// Keys for a location or a machine: they read what was captured there and nothing else, and files
// over HTTP are as closed as calls.
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { NOT_FOUND, PERMISSION_DENIED } from '../conformance/codes.mjs';
import { rejects } from '../conformance/expect.mjs';
import { caller } from './services.mjs';
import { ADMIN, makeKey, services, startHub, uploadBinary, uploadReading } from './world.mjs';

after(() => setTimeout(() => process.exit(), 200).unref());

const data = services['viam.app.data.v1.DataService'];
const datasets = services['viam.app.dataset.v1.DatasetService'];
const annotations = services['bowerbird.v1.AnnotationService'];
const app = services['viam.app.v1.AppService'];

describe('a key for a place', () => {
  let server, admin, organization, site, hall, beside, rover, arm, cart;

  // A machine with an item, a tag of its own, and a reading.
  async function machine(name, location, second) {
    const { id } = await admin(app, 'NewRobot', { name, location });
    const part = (await admin(app, 'GetRobotParts', { robotId: id })).parts[0].id;
    const item = await uploadBinary(admin, part, second, `captured by ${name}`);
    await admin(data, 'AddTagsToBinaryDataByIDs', { binaryDataIds: [item], tags: [`tag of ${name}`] });
    await uploadReading(admin, part, second, { readings: { from: name } });
    const key = await makeKey(admin, 'robot', id, 'operator', `key of ${name}`);
    return { name, id, part, item, key, call: caller(server.url, key) };
  }
  const place = async (name, parentLocationId = '') => {
    const request = { organizationId: organization, name, parentLocationId };
    const { id } = (await admin(app, 'CreateLocation', request)).location;
    const key = await makeKey(admin, 'location', id, 'operator', `key of ${name}`);
    return { id, key, call: caller(server.url, key) };
  };

  before(async () => {
    server = await startHub();
    admin = caller(server.url, ADMIN);
    organization = (await admin(app, 'ListOrganizations', {})).organizations[0].id;
    site = await place('site');
    hall = await place('hall', site.id);
    beside = await place('beside');
    rover = await machine('rover', site.id, 1);
    arm = await machine('arm', hall.id, 2);
    cart = await machine('cart', beside.id, 3);
  });
  after(() => server?.close());

  const namesOf = (answer) =>
    (answer.data ?? []).map((one) => one.metadata.captureMetadata.robotName).sort();
  const findAll = async (call, filter = {}) =>
    namesOf(await call(data, 'BinaryDataByFilter', { dataRequest: { filter } }));

  it('finds what was captured there and below', async () => {
    assert.deepEqual(await findAll(admin), ['arm', 'cart', 'rover']);
    assert.deepEqual(await findAll(site.call), ['arm', 'rover']);
    assert.deepEqual(await findAll(hall.call), ['arm']);
    assert.deepEqual(await findAll(rover.call), ['rover']);
    assert.deepEqual(await findAll(cart.call), ['cart']);
    assert.deepEqual(await findAll(site.call, { organizationIds: [organization] }), ['arm', 'rover']);
    assert.deepEqual(await findAll(site.call, { locationIds: [beside.id] }), []);
    assert.deepEqual(await findAll(rover.call, { robotId: cart.id }), []);
    assert.deepEqual(await findAll(rover.call, { tagsFilter: { tags: ['tag of cart'] } }), []);
    const count = { dataRequest: { filter: {} }, countOnly: true };
    assert.equal((await site.call(data, 'BinaryDataByFilter', count)).count, '2');
    assert.deepEqual((await site.call(data, 'TagsByFilter', {})).tags, ['tag of arm', 'tag of rover']);
    assert.deepEqual((await rover.call(data, 'TagsByFilter', {})).tags, ['tag of rover']);
  });

  it('reads by id what it finds, and the rest is not there', async () => {
    const get = (call, item) =>
      call(data, 'BinaryDataByIDs', { binaryDataIds: [item], includeBinary: true });
    const [own] = (await get(rover.call, rover.item)).data;
    assert.equal(Buffer.from(own.binary, 'base64').toString(), 'captured by rover');
    await rejects(() => get(rover.call, cart.item), NOT_FOUND, /no binary data has the id/);
    await rejects(() => get(site.call, cart.item.split('/').at(-1)), NOT_FOUND);
    await rejects(() => get(rover.call, arm.item), NOT_FOUND);
    const link = { binaryDataId: rover.item };
    assert.ok((await rover.call(data, 'CreateBinaryDataSignedURL', link)).signedUrl);
    await rejects(
      () => rover.call(data, 'CreateBinaryDataSignedURL', { binaryDataId: cart.item }),
      NOT_FOUND,
    );
    const changes = await rover.call(annotations, 'ListAnnotationChanges', link);
    assert.deepEqual(changes.changes[0].tagsAfter, ['tag of rover']);
    await rejects(
      () => rover.call(annotations, 'ListAnnotationChanges', { binaryDataId: cart.item }),
      NOT_FOUND,
    );
  });

  it('reads the readings from there', async () => {
    const readings = (machineOf) => ({
      partId: machineOf.part,
      resourceName: 'gauge',
      resourceSubtype: 'rdk:component:sensor',
      methodName: 'Readings',
    });
    const page = await site.call(data, 'TabularDataByFilter', { dataRequest: { filter: {} } });
    assert.deepEqual(page.data.map((one) => one.data.readings.from).sort(), ['arm', 'rover']);
    const latest = await rover.call(data, 'GetLatestTabularData', readings(rover));
    assert.equal(latest.payload.readings.from, 'rover');
    assert.deepEqual(await rover.call(data, 'GetLatestTabularData', readings(cart)), {});
    assert.equal((await site.call(data, 'ExportTabularData', readings(arm))).length, 1);
    assert.equal((await site.call(data, 'ExportTabularData', readings(cart))).length, 0);
    await rejects(
      () =>
        site.call(data, 'TabularDataBySQL', {
          organizationId: organization,
          sqlQuery: 'SELECT * FROM readings',
        }),
      PERMISSION_DENIED,
    );
  });

  it('changes nothing', async () => {
    const tag = { binaryDataIds: [rover.item], tags: ['more'] };
    await rejects(() => rover.call(data, 'AddTagsToBinaryDataByIDs', tag), PERMISSION_DENIED);
    const all = { filter: { organizationIds: [organization] } };
    await rejects(() => site.call(data, 'DeleteBinaryDataByFilter', all), PERMISSION_DENIED);
    const list = { organizationId: organization };
    await rejects(() => site.call(datasets, 'ListDatasetsByOrganizationID', list), PERMISSION_DENIED);
    assert.deepEqual(await findAll(admin), ['arm', 'cart', 'rover']);
  });

  it('opens files over HTTP as it does by calls', async () => {
    const get = (item, key, what = 'files') =>
      fetch(`${server.url}/data/${what}/${item}`, {
        headers: key
          ? { authorization: `Basic ${Buffer.from(`${key.id}:${key.key}`).toString('base64')}` }
          : {},
      });
    const own = await get(rover.item, rover.key);
    assert.equal(await own.text(), 'captured by rover');
    assert.equal((await get(rover.item, site.key)).status, 200);
    assert.equal((await get(cart.item, rover.key)).status, 404);
    assert.equal((await get(cart.item, rover.key, 'previews')).status, 404);
    assert.equal((await get(rover.item)).status, 401);
    const link = await rover.call(data, 'CreateBinaryDataSignedURL', { binaryDataId: rover.item });
    assert.equal(await (await fetch(link.signedUrl)).text(), 'captured by rover');
    const forged = link.signedUrl.replace(rover.item, cart.item);
    assert.equal((await fetch(forged)).status, 403);
  });

  it('sees nothing any more once it is revoked', async () => {
    const { id, key } = await makeKey(admin, 'robot', rover.id, 'operator', 'short-lived');
    const gone = caller(server.url, { id, key });
    assert.deepEqual(await findAll(gone), ['rover']);
    await admin(app, 'DeleteKey', { id });
    await assert.rejects(() => findAll(gone), /authenticat/i);
  });
});
