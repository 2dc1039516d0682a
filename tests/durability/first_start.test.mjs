// SPDX-License-Identifier: Apache-2.0
//
// A hub is killed with SIGKILL again and again while it makes its database. The next start that is
// left alone completes it.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { after, describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { connectHub } from '../conformance/hub.mjs';
import { Postgresql } from '../hub/stores.mjs';
import { program, Server } from '../server.mjs';

const postgresql = await Postgresql.start();
after(async () => {
  await postgresql?.close();
  setTimeout(() => process.exit(), 200).unref();
});

const engines = {
  SQLite: { args: () => [] },
  PostgreSQL: {
    args: () => ['--database', postgresql.createDatabase()],
    skip: postgresql === null && 'PostgreSQL is not installed: apt-get install postgresql',
  },
};

for (const [name, { args, skip }] of Object.entries(engines))
  describe(`a first start over ${name} that is killed`, { skip }, () => {
    it('is completed by the next', { timeout: 180_000 }, async () => {
      // Each place of the start is met by one of these; how long it takes is measured first.
      const whole = await Server.start({ config: {}, args: ['--role', 'hub', ...args()] });
      await whole.stop();
      const began = Date.now();
      await whole.launch();
      const startMs = Date.now() - began;
      await whole.close();

      const hub = await Server.start({ config: {}, args: ['--role', 'hub', ...args()], ready: false });
      const kills = 20;
      for (let kill = 0; kill < kills; kill += 1) {
        await sleep((startMs * kill) / kills);
        await hub.stop('SIGKILL');
        await hub.launch(false);
      }
      await hub.answers();
      const client = await connectHub(hub.url, 'grpc');
      const time = new Date('2026-01-01T00:00:00Z');
      const id = await client.data.binaryDataCaptureUpload(
        ...[new Uint8Array([1, 2, 3]), client.partId, 'rdk:component:camera', 'cam', 'ReadImage'],
        ...['.bin', [time, time]],
      );
      const [item] = await client.data.binaryDataByIds([id]);
      assert.deepEqual([...item.binary], [1, 2, 3]);
      const { status, stdout, stderr } = spawnSync(
        program, ['data', 'verify', '--host', hub.url], { encoding: 'utf8' });
      assert.equal(status, 0, stdout + stderr);
      // One of each, whichever start made them.
      await hub.stop();
      await hub.launch();
      const again = await connectHub(hub.url, 'grpc');
      assert.equal(again.organizationId, client.organizationId);
      assert.equal(again.partId, client.partId);
      await hub.close();
    });
  });
