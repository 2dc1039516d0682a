// SPDX-License-Identifier: Apache-2.0
//
// Stored files that nothing refers to: what broken uploads leave goes soon after the start, what an
// upload may be about to name stays.
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, utimesSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { after, before, describe, it } from 'node:test';
import { connectHub } from '../conformance/hub.mjs';
import { eventually, Server } from '../server.mjs';

after(() => setTimeout(() => process.exit(), 200).unref());

describe('files that nothing refers to', () => {
  let server, hub;
  before(async () => {
    server = await Server.start({ config: {}, args: ['--role', 'hub'] });
    hub = await connectHub(server.url, 'grpc');
  });
  after(() => server?.close());

  function blobPath(content) {
    const hash = createHash('sha256').update(content).digest('hex');
    return path.join(server.folder, 'data/hub/blobs', hash.slice(0, 2), hash);
  }
  function age(file) {
    const then = new Date(Date.now() - 2 * 3_600_000);
    utimesSync(file, then, then);
  }
  function leave(content, old) {
    const file = blobPath(content);
    mkdirSync(path.dirname(file), { recursive: true });
    writeFileSync(file, content);
    if (old) age(file);
    return file;
  }
  async function counted(name) {
    const text = await (await fetch(`${server.url}/metrics`)).text();
    const line = text.split('\n').find((one) => one.startsWith(name));
    return line === undefined ? 0 : Number(line.split(' ').at(-1));
  }
  const upload = (content, second) =>
    hub.data.binaryDataCaptureUpload(
      ...[Buffer.from(content), hub.partId, 'rdk:component:camera', 'cam', 'ReadImage', '.bin'],
      ...[[new Date(second * 1000), new Date(second * 1000 + 1)]],
    );

  it('go at the start when they are old, and stay when they are young', async () => {
    const id = await upload('an item has this', 1);
    const used = blobPath('an item has this');
    age(used);
    await server.stop();
    const old = leave('a broken upload left this', true);
    const young = leave('an upload is about to name this', false);
    await server.launch();
    await eventually(() => !existsSync(old));
    await eventually(async () => (await counted('bowerbird_garbage_files_total')) === 1);
    assert.ok(existsSync(young));
    assert.ok(existsSync(used));
    assert.equal(await counted('bowerbird_garbage_collections_total{result="ok"}'), 1);
    assert.match(server.output, /1 files that nothing referred to were removed/);
    hub = await connectHub(server.url, 'grpc');
    const [found] = await hub.data.binaryDataByIds([id]);
    assert.equal(Buffer.from(found.binary).toString(), 'an item has this');
  });

  it('stay, with a warning, where the database knows hardly any of the files', async () => {
    await server.stop();
    const strange = ['one', 'two', 'three'].map((one) => leave(`of another hub: ${one}`, true));
    await server.launch();
    await eventually(() => /Is this the database of these files/.test(server.output));
    for (const file of strange) assert.ok(existsSync(file));
    assert.equal(await counted('bowerbird_garbage_collections_total{result="failed"}'), 1);
  });
});
