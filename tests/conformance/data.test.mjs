// SPDX-License-Identifier: Apache-2.0
//
// The data API through the npm SDK in Node.js, over gRPC and gRPC-Web, against a server in both
// roles and against a hub alone.
import { after, before, describe, it } from 'node:test';
import { Server } from '../server.mjs';
import { dataCases } from './cases_data.mjs';
import { TRANSPORTS } from './clients.mjs';
import { connectHub } from './hub.mjs';

for (const role of ['all', 'hub'])
  describe(`--role ${role}`, () => {
    let server;
    before(async () => {
      server = await Server.start({ config: {}, args: ['--role', role] });
    });
    after(() => server?.close());
    for (const transport of Object.keys(TRANSPORTS))
      describe(transport, () => {
        let hub;
        before(async () => {
          hub = await connectHub(server.url, transport);
        });
        for (const { name, run, grpcOnly } of dataCases)
          it(name, { timeout: 60_000, skip: grpcOnly && transport !== 'grpc' }, () => run({ hub }));
      });
  });
