// SPDX-License-Identifier: Apache-2.0
//
// The cases through the npm SDK in Node.js, once over gRPC and once over gRPC-Web.
import { after, before, describe, it } from 'node:test';
import { Server } from '../server.mjs';
import { cases } from './cases.mjs';
import { dial, sdk, TRANSPORTS } from './clients.mjs';
import { allReady, machineConfig } from './machine.mjs';

let server;

before(async () => {
  server = await Server.start({ config: machineConfig() });
  await allReady(await dial(server.url, 'grpc'));
});

after(async () => {
  await server?.close();
  // The SDK's heartbeat of a direct connection never ends.
  setTimeout(() => process.exit(), 200).unref();
});

for (const transport of Object.keys(TRANSPORTS))
  describe(transport, () => {
    let robot;
    before(async () => {
      robot = await dial(server.url, transport);
    });
    for (const { name, run } of cases) it(name, { timeout: 60_000 }, () => run({ sdk, robot }));
  });
