// SPDX-License-Identifier: Apache-2.0
//
// Organizations, locations, machines, parts and keys, through the official SDK's app client.
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { sdk, TRANSPORTS } from '../conformance/clients.mjs';
import {
  ALREADY_EXISTS,
  FAILED_PRECONDITION,
  INVALID_ARGUMENT,
  NOT_FOUND,
  PERMISSION_DENIED,
} from '../conformance/codes.mjs';
import { rejects } from '../conformance/expect.mjs';
import { Server } from '../server.mjs';

const ADMIN_ID = '3c1b7a52-77b4-4c5e-8a55-1f5f30d0aa01';
const ADMIN_KEY = 'the-key-of-the-operator';

const config = {
  components: [{ name: 'cam', api: 'rdk:component:camera', model: 'fake' }],
  auth: { handlers: [{ type: 'api-key', config: { keys: [ADMIN_ID], [ADMIN_ID]: ADMIN_KEY } }] },
};

after(() => setTimeout(() => process.exit(), 200).unref());

async function appOf(url, transport, id, key) {
  globalThis.VIAM = { GRPC_TRANSPORT_FACTORY: TRANSPORTS[transport] };
  const client = await sdk.createViamClient({
    serviceHost: url,
    credentials: { type: 'api-key', authEntity: id, payload: key },
  });
  return client.appClient;
}

for (const transport of Object.keys(TRANSPORTS))
  describe(`the app API over ${transport}`, () => {
    let server, app, organization, location;
    before(async () => {
      server = await Server.start({ config });
      app = await appOf(server.url, transport, ADMIN_ID, ADMIN_KEY);
      [organization] = await app.listOrganizations();
      [location] = await app.listLocations(organization.id);
    });
    after(() => server?.close());

    it('has an organization, a location, a machine and its main part from the start', async () => {
      assert.match(organization.id, /^[0-9a-f-]{36}$/);
      assert.ok(organization.createdOn);
      assert.equal(location.primaryOrgIdentity.id, organization.id);
      const robots = await app.listRobots(location.id);
      assert.equal(robots.length, 1);
      assert.equal(location.robotCount, 1);
      const parts = await app.getRobotParts(robots[0].id);
      assert.equal(parts.length, 1);
      assert.equal(parts[0].mainPart, true);
      assert.equal(parts[0].locationId, location.id);
      const { configJson } = await app.getRobotPart(parts[0].id);
      assert.equal(JSON.parse(configJson).components[0].name, 'cam');
    });

    it('makes, renames, moves and deletes places and machines', async () => {
      const site = await app.createLocation(organization.id, 'site');
      const id = await app.newRobot(site.id, 'arm');
      assert.equal((await app.getRobot(id)).name, 'arm');
      await app.updateRobot(id, location.id, 'second arm');
      assert.equal((await app.getRobot(id)).location, location.id);
      const part = await app.newRobotPart(id, 'gripper');
      assert.equal((await app.getRobotParts(id)).length, 2);
      await rejects(() => app.deleteRobot(id), FAILED_PRECONDITION);
      await app.deleteRobotPart(part);
      await app.deleteRobot(id);
      await rejects(() => app.getRobot(id), NOT_FOUND);
      assert.equal((await app.updateLocation(site.id, 'hall')).name, 'hall');
      await app.deleteLocation(site.id);
      await rejects(() => app.getLocation(site.id), NOT_FOUND);
    });

    it('says what is wrong with a request', async () => {
      await rejects(() => app.getOrganization(''), INVALID_ARGUMENT);
      await rejects(() => app.getOrganization('no-such-id'), NOT_FOUND);
      await rejects(() => app.createLocation(organization.id, ''), INVALID_ARGUMENT);
      await rejects(() => app.createLocation(organization.id, location.name), ALREADY_EXISTS);
      await rejects(() => app.deleteLocation(location.id), FAILED_PRECONDITION);
      await rejects(() => app.createKey([], 'no rights'), INVALID_ARGUMENT);
    });

    it('gives a key the rights it was made with, and no others', async () => {
      const site = await app.createLocation(organization.id, 'fenced');
      const robot = await app.newRobot(site.id, 'inside');
      const made = await app.createKey(
        [
          new sdk.appApi.Authorization({
            authorizationType: 'role',
            authorizationId: 'location_operator',
            resourceType: 'location',
            resourceId: site.id,
            identityType: 'api-key',
            organizationId: organization.id,
          }),
        ],
        'guest',
      );
      const guest = await appOf(server.url, transport, made.id, made.key);
      assert.equal((await guest.listOrganizations()).length, 1);
      assert.deepEqual((await guest.listLocations(organization.id)).map((one) => one.id), [site.id]);
      assert.equal((await guest.getRobot(robot)).name, 'inside');
      await rejects(() => guest.updateRobot(robot, site.id, 'mine'), PERMISSION_DENIED);
      await rejects(() => guest.getLocation(location.id), NOT_FOUND);
      await rejects(() => guest.listKeys(organization.id), PERMISSION_DENIED);
      await rejects(() => guest.createOrganization('own'), PERMISSION_DENIED);
      await rejects(() => guest.deleteKey(made.id), PERMISSION_DENIED);

      const listed = (await app.listKeys(organization.id)).find((one) => one.apiKey.id === made.id);
      assert.equal(listed.apiKey.name, 'guest');
      assert.equal(listed.apiKey.key, '');
      assert.equal(listed.authorizations[0].authorizationId, 'location_operator');
      await app.deleteKey(made.id);
      await assert.rejects(() => guest.listOrganizations());
      await app.deleteRobot(robot);
      await app.deleteLocation(site.id);
    });
  });
