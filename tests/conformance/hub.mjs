// SPDX-License-Identifier: Apache-2.0
//
// A hub as a client of the platform sees it: the app client of the SDK, and the ids of the
// organization and the machine part that a first start makes.
import { sdk, TRANSPORTS } from './clients.mjs';

/** `credential`: {type, authEntity, payload}; the SDK wants one even where the server does not. */
export async function connectHub(url, transport, credential) {
  globalThis.VIAM = { GRPC_TRANSPORT_FACTORY: TRANSPORTS[transport] };
  const client = await sdk.createViamClient({
    serviceHost: url,
    credentials: credential ?? { type: 'api-key', authEntity: 'anybody', payload: 'anything' },
  });
  const [organization] = await client.appClient.listOrganizations();
  const [location] = await client.appClient.listLocations(organization.id);
  const [robot] = await client.appClient.listRobots(location.id);
  const [part] = await client.appClient.getRobotParts(robot.id);
  return {
    url,
    transport,
    data: client.dataClient,
    training: client.mlTrainingClient,
    organizationId: organization.id,
    locationId: location.id,
    robotId: robot.id,
    partId: part.id,
  };
}
