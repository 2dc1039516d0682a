// SPDX-License-Identifier: Apache-2.0
//
// A hub over PostgreSQL and an S3 store, held to the same cases of the data API as one over its own
// folder, and to giving everything back after a restart.
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { Server } from '../server.mjs';
import { dataCases } from '../conformance/cases_data.mjs';
import { TRANSPORTS } from '../conformance/clients.mjs';
import { connectHub } from '../conformance/hub.mjs';
import { Postgresql, S3 } from './stores.mjs';

after(() => setTimeout(() => process.exit(), 200).unref());

const postgresql = await Postgresql.start();
const s3 = await S3.start();
after(async () => {
  await postgresql?.close();
  await s3?.close();
});

const skip =
  (postgresql === null && 'PostgreSQL is not installed: apt-get install postgresql') ||
  (s3 === null && 's3rver is not installed: npm ci --prefix tests');

describe('a hub over PostgreSQL and S3', { skip }, () => {
  let server;
  before(async () => {
    server = await Server.start({
      config: {},
      args: [
        ...['--role', 'hub', '--database', postgresql.createDatabase()],
        ...['--blobs', s3.location('hub')],
      ],
      env: s3.env,
    });
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

  it('gives what it was given after a restart', { timeout: 60_000 }, async () => {
    const content = new Uint8Array(300_000).map((_, i) => i % 251);
    const hub = await connectHub(server.url, 'grpc');
    const id = await hub.data.binaryDataCaptureUpload(
      ...[content, hub.partId, 'rdk:component:camera', 'kept', 'ReadImage', '.bin'],
      ...[[new Date('2026-01-01T00:00:00Z'), new Date('2026-01-01T00:00:01Z')], ['kept']],
    );
    await server.stop();
    await server.launch();
    const again = await connectHub(server.url, 'grpc');
    assert.equal(again.organizationId, hub.organizationId);
    const [found] = await again.data.binaryDataByIds([id]);
    assert.deepEqual(Buffer.from(found.binary), Buffer.from(content));
    assert.deepEqual(found.metadata.captureMetadata.tags, ['kept']);
    assert.ok(s3.objects('hub').length > 0, 'nothing is in the S3 store');
  });
});
