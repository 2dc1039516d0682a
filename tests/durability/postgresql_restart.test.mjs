// SPDX-License-Identifier: Apache-2.0
//
// A hub over PostgreSQL, which is crashed and started again while clients upload. While it is away
// calls end with UNAVAILABLE, which clients try again; afterwards the hub goes on by itself, and
// every acknowledged upload is there, once, with its content. BOWERBIRD_RESTARTS: how often
// (default 8).
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { sdk } from '../conformance/clients.mjs';
import { UNAVAILABLE } from '../conformance/codes.mjs';
import { connectHub } from '../conformance/hub.mjs';
import { Postgresql } from '../hub/stores.mjs';
import { eventually, Server } from '../server.mjs';
import { sha256 } from './captured.mjs';
import { Uploader } from './uploader.mjs';

const restarts = Number(process.env.BOWERBIRD_RESTARTS ?? 8);
const CLIENTS = 4;

const postgresql = await Postgresql.start();
const skip = postgresql === null && 'PostgreSQL is not installed: apt-get install postgresql';

describe(`PostgreSQL crashes ${restarts} times under load`, { skip }, () => {
  let hub, client;
  before(async () => {
    const args = ['--role', 'hub', '--database', postgresql.createDatabase()];
    hub = await Server.start({ config: {}, args });
    client = await connectHub(hub.url, 'grpc');
  });
  after(async () => {
    await hub?.close();
    await postgresql?.close();
    setTimeout(() => process.exit(), 200).unref();
  });

  it('nothing acknowledged is lost or twice, and uploads go on', { timeout: 240_000 }, async () => {
    let state = 1;
    const next = () => ((state = (state * 16807) % 2147483647) / 2147483647);
    const uploaders = Array.from({ length: CLIENTS }, (_, i) => new Uploader(client, next, `up${i}`));
    const running = uploaders.map((uploader) => uploader.run());
    const acknowledged = () =>
      uploaders.reduce((sum, { acknowledged: ids }) => sum + ids.size, 0);
    const reads = new Map();
    for (let restart = 0; restart < restarts; restart += 1) {
      const before = acknowledged();
      await eventually(() => acknowledged() > before + 20, 30_000);
      await sleep(next() * 200);
      await postgresql.crash(restart % 2 === 0 ? 'SIGKILL' : 'SIGQUIT');
      // What only reads says so as well.
      await client.data.binaryDataByFilter({ componentName: 'up0' }, 1).then(
        () => assert.fail('a read was answered without a database'),
        (error) => reads.set(error.code, (reads.get(error.code) ?? 0) + 1),
      );
      await sleep(next() * 300);
      await postgresql.serve();
    }
    const before = acknowledged();
    await eventually(() => acknowledged() > before + 20, 30_000);
    for (const uploader of uploaders) uploader.stopped = true;
    await Promise.all(running);

    const codes = new Map();
    for (const uploader of uploaders)
      for (const [code, times] of uploader.errors) codes.set(code, (codes.get(code) ?? 0) + times);
    const said = uploaders.flatMap(({ lastError }) => [...lastError]);
    for (const [code, message] of said) assert.equal(code, UNAVAILABLE, message);
    assert.ok(codes.size > 0, 'no upload met a database that was away');
    assert.deepEqual([...reads.keys()], [UNAVAILABLE], 'reads failed with other codes');
    for (const uploader of uploaders) {
      const found = new Map();
      for (let last = ''; ; ) {
        const page = await client.data.binaryDataByFilter(
          { componentName: uploader.component }, 200, sdk.dataApi.Order.ASCENDING, last, true);
        for (const item of page.data) {
          const id = item.metadata.binaryDataId;
          assert.ok(!found.has(id), `${id} is there twice`);
          found.set(id, sha256(item.binary));
        }
        if (page.data.length === 0 || page.last === '') break;
        last = page.last;
      }
      assert.deepEqual(found, new Map([...uploader.acknowledged].sort()), uploader.component);
    }
    console.log(
      `# ${restarts} crashes: ${acknowledged()} uploads acknowledged, ` +
        `${codes.get(UNAVAILABLE)} answers of UNAVAILABLE; none lost, none twice`);
  });
});
