// SPDX-License-Identifier: Apache-2.0
//
// From a prediction back to the training pictures behind it: through the API, by the command against
// a server, and by the command on a folder without one.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { copyFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, describe, it } from 'node:test';
import { createPromiseClient } from '@connectrpc/connect';
import { detectorFiles } from '../conformance/machine.mjs';
import { grpc } from '../conformance/clients.mjs';
import { INVALID_ARGUMENT, NOT_FOUND } from '../conformance/codes.mjs';
import { connectHub } from '../conformance/hub.mjs';
import { findService } from '../hub/services.mjs';
import { program } from '../server.mjs';
import { KINDS, makeDataset, startHub } from './hub.mjs';
import { picture } from './pictures.mjs';

after(() => setTimeout(() => process.exit(), 200).unref());

async function code(promise) {
  try {
    await promise;
  } catch (error) {
    return error.code;
  }
  return 0;
}

function run(folder, ...args) {
  const done = spawnSync(program, args, { encoding: 'utf8', cwd: folder });
  return { status: done.status, out: done.stdout, error: done.stderr };
}
const lines = (text) => text.trim().split('\n').map((line) => JSON.parse(line));

describe('the training pictures behind a prediction', { timeout: 300_000 }, () => {
  let server, hub, folder, models, datasetId;
  before(async () => {
    server = await startHub();
    hub = await connectHub(server.url, 'grpc');
    folder = mkdtempSync(path.join(tmpdir(), 'bowerbird-neighbours-'));
    datasetId = await makeDataset(hub, 'things');
    models = createPromiseClient(findService('bowerbird.v1.ModelService'), grpc(hub.url));
    const done = run(folder, 'train', 'submit', '--dataset', 'things', '--version', 'v1', '--wait', '--host', server.url);
    assert.equal(done.status, 0, done.error);
  });
  after(async () => {
    await server?.close();
    rmSync(folder, { recursive: true, force: true });
  });
  const find = async (picture, rest = {}) =>
    (
      await models.findNeighbours({ organizationId: hub.organizationId, name: 'things', picture, ...rest })
    ).toJson();
  const image = (value) => ({ case: 'image', value });

  it('an unseen picture is nearest to pictures of its own kind', async () => {
    for (const kind of KINDS) {
      const { model, neighbours } = await find(image(picture(kind, 901).png));
      assert.equal(model.version, 'v1');
      assert.equal(neighbours.length, 5);
      const own = neighbours.filter((one) => one.labels[0] === kind);
      assert.ok(own.length >= 4, JSON.stringify(neighbours));
      const distances = neighbours.map((one) => one.distance ?? 0);
      assert.deepEqual(distances, [...distances].sort((a, b) => a - b));
      for (const one of neighbours) assert.equal(one.items.length, 1);
    }
  });

  it('a training picture is at no distance from itself, and is named when it is gone', async () => {
    const items = [];
    for await (const part of models.getLineage({ organizationId: hub.organizationId, name: 'things' }))
      items.push(...part.items);
    const { binaryDataId: id, sha256 } = items.find((item) => item.split === 'train');
    const { neighbours } = await find({ case: 'binaryDataId', value: id }, { count: 3 });
    assert.equal(neighbours.length, 3);
    assert.equal(neighbours[0].distance ?? 0, 0);
    assert.equal(neighbours[0].sha256, sha256);
    assert.deepEqual(neighbours[0].items, [{ binaryDataId: id }]);

    const sets = createPromiseClient(findService('bowerbird.v1.SnapshotService'), grpc(hub.url));
    const { snapshots } = await sets.listSnapshots({ datasetId });
    for (const snapshot of snapshots) await sets.deleteSnapshot({ id: snapshot.id });
    const image = picture(neighbours[0].labels[0], 903).png;
    await hub.data.deleteBinaryDataByIds([id]);
    const all = (await find({ case: 'image', value: image }, { count: 100 })).neighbours;
    assert.equal(all.filter((one) => one.items[0].deleted).length, 1);
    assert.equal(all.find((one) => one.sha256 === sha256).items[0].deleted, true);
  });

  it('says what is wrong', async () => {
    assert.equal(await code(find(image(new Uint8Array([1, 2, 3])))), INVALID_ARGUMENT);
    assert.equal(await code(find({ case: undefined })), INVALID_ARGUMENT);
    assert.equal(await code(find(image(picture('disc', 1).png), { count: 101 })), INVALID_ARGUMENT);
    assert.equal(await code(find(image(picture('disc', 1).png), { name: 'nothing' })), NOT_FOUND);
    assert.equal(await code(find({ case: 'binaryDataId', value: 'nothing' })), NOT_FOUND);
  });

  it('the command asks the hub, and the folder of a model that was pulled', () => {
    writeFileSync(path.join(folder, 'disc.png'), picture('disc', 902).png);
    writeFileSync(path.join(folder, 'text.png'), 'no picture');
    const asked = run(folder, 'model', 'neighbours', 'things', 'disc.png', '--json', '--host', server.url);
    assert.equal(asked.status, 0, asked.error);
    const [answer] = lines(asked.out);
    assert.equal(answer.neighbours[0].labels[0], 'disc');
    assert.equal(run(folder, 'model', 'pull', 'things', '--out', 'pulled', '--host', server.url).status, 0);
    const alone = run(folder, 'model', 'neighbours', 'pulled', 'disc.png', 'text.png', '--json');
    assert.equal(alone.status, 1);
    assert.match(alone.error, /text\.png/);
    const [same] = lines(alone.out);
    assert.deepEqual(
      same.neighbours.map((one) => [path.basename(one.picture), one.distance]),
      answer.neighbours.map((one) => [one.sha256, one.distance]),
    );
  });

  it('a model that was trained without a server has them, too, and only its own', () => {
    const pictures = path.join(folder, 'kinds');
    for (const kind of KINDS) {
      mkdirSync(path.join(pictures, kind), { recursive: true });
      for (let i = 0; i < 12; ++i) writeFileSync(path.join(pictures, kind, `${i}.png`), picture(kind, i).png);
    }
    const base = detectorFiles().model;
    const trained = run(folder, 'train', 'local', 'kinds', '--base', base, '--out', 'local');
    assert.equal(trained.status, 0, trained.error);
    const asked = run(folder, 'model', 'neighbours', './local', 'kinds/square/1.png', '--count', '2', '--json');
    assert.equal(asked.status, 0, asked.error);
    const [{ neighbours }] = lines(asked.out);
    assert.equal(neighbours.length, 2);
    assert.deepEqual(neighbours[0].labels, ['square']);

    // Features of one model say nothing about another one.
    mkdirSync(path.join(folder, 'mixed'));
    copyFileSync(path.join(folder, 'local/features.bin'), path.join(folder, 'mixed/features.bin'));
    copyFileSync(base, path.join(folder, 'mixed/model.tflite'));
    const mixed = run(folder, 'model', 'neighbours', './mixed', 'disc.png');
    assert.equal(mixed.status, 1);
    assert.match(mixed.error, /another model/);
    const nothing = run(folder, 'model', 'neighbours', './kinds', 'disc.png');
    assert.match(nothing.error, /features\.bin/);
    assert.equal(run(folder, 'model', 'neighbours', 'things').status, 2);
  });
});
