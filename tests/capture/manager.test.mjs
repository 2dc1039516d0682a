// SPDX-License-Identifier: Apache-2.0
//
// The calls of the data manager through the SDK, files that other programs leave for it, and what is
// to be seen of its sync: status and metrics.
import assert from 'node:assert/strict';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, describe, it } from 'node:test';
import { INVALID_ARGUMENT } from '../conformance/codes.mjs';
import { sdk } from '../conformance/clients.mjs';
import { rejects } from '../conformance/expect.mjs';
import { eventually } from '../server.mjs';
import { camera, Pair } from './pair.mjs';

const JPEG = 1;
const MATCH_BY_OR = 1;
const bytes = (text) => new TextEncoder().encode(text);
const text = (data) => new TextDecoder().decode(data);

describe('the data manager', () => {
  const folder = mkdtempSync(path.join(tmpdir(), 'bowerbird-manager-'));
  const captures = path.join(folder, 'captures');
  const more = path.join(folder, 'more');
  let pair, dataset;

  before(async () => {
    mkdirSync(more);
    pair = await Pair.start({
      components: [camera('cam', 'fake', { width: 64, height: 48, animated: true }, {
        method: 'ReadImage', capture_frequency_hz: 10, tags: ['of-the-method'],
      })],
      manager: {
        capture_dir: captures,
        tags: ['of-the-service'],
        additional_sync_paths: [more],
        file_last_modified_millis: 300,
      },
    });
    dataset = await pair.client.data.createDataset('birds', pair.client.organizationId);
  });
  after(async () => {
    await pair?.close();
    rmSync(folder, { recursive: true, force: true });
  });

  /** The one item that a filter finds, once it is there. */
  const only = (filter) =>
    eventually(async () => {
      const { data } = await pair.client.data.binaryDataByFilter(filter, 10);
      return data.length === 1 && data[0];
    });

  it('tags what it captures with its own tags and those of the method', async () => {
    const [item] = await eventually(async () => {
      const found = await pair.pictures('cam');
      return found.length > 3 && found;
    });
    const { tags } = item.metadata.captureMetadata;
    assert.deepEqual([...tags].sort(), ['of-the-method', 'of-the-service']);
  });

  it('uploads bytes into datasets with tags', async () => {
    await pair.dataManager.uploadBinaryDataToDatasets(
      bytes('a picture, nearly'), ['by-hand'], [dataset], JPEG);
    const item = await only({ datasetId: dataset, tagsFilter: { type: MATCH_BY_OR, tags: ['by-hand'] } });
    assert.equal(text(item.binary), 'a picture, nearly');
    assert.equal(item.metadata.captureMetadata.mimeType, 'image/jpeg');
    assert.deepEqual(item.metadata.captureMetadata.tags.includes('by-hand'), true);
    const upload = (data, tags, ids) => () =>
      pair.dataManager.uploadBinaryDataToDatasets(data, tags, ids, JPEG);
    await rejects(upload(bytes(''), [], [dataset]), INVALID_ARGUMENT, /empty/);
    await rejects(upload(bytes('x'), ['../a'], [dataset]), INVALID_ARGUMENT, /tag/);
    await rejects(upload(bytes('x'), [], ['a/../b']), INVALID_ARGUMENT, /dataset/);
  });

  it('puts a file for a dataset that is none aside, with the reason', async () => {
    await pair.dataManager.uploadBinaryDataToDatasets(
      bytes('for nobody'), [], ['0123456789abcdef01234567'], JPEG);
    const reasons = () =>
      readdirSync(folder, { recursive: true }).map(String).filter((name) => /failed/.test(name));
    await eventually(() => reasons().length > 0);
    assert.match((await pair.status()).sync.last_error, /dataset/);
    // Others go on.
    const before = (await pair.pictures('cam')).length;
    await eventually(async () => (await pair.pictures('cam')).length > before + 3);
  });

  it('brings files of other programs, with the tags and datasets of their folders', async () => {
    const deep = path.join(more, 'tag=from-folder', `dataset=${dataset}`, 'a b');
    mkdirSync(deep, { recursive: true });
    const file = path.join(deep, 'ä.png');
    writeFileSync(file, 'left by somebody');
    const item = await only({ datasetId: dataset, tagsFilter: { type: MATCH_BY_OR, tags: ['from-folder'] } });
    assert.equal(text(item.binary), 'left by somebody');
    assert.equal(item.metadata.fileName, file);
    await eventually(() => !existsSync(file));
  });

  it('tells what it has sent, in its status and its metrics', async () => {
    const { sync } = await pair.status();
    assert.ok(sync.files_sent > 5 && sync.bytes_sent > 1000, JSON.stringify(sync));
    assert.ok(sync.last_success * 1000 > Date.now() - 60_000, `${sync.last_success}`);
    assert.ok(sync.files_failed >= 1);
    const metrics = await (await fetch(`${pair.machine.url}/metrics`)).text();
    const value = (name) => Number(new RegExp(`^${name}(?:{.*})? ([0-9.e+]+)$`, 'm').exec(metrics)?.[1]);
    assert.ok(value('bowerbird_sync_files_total') >= sync.files_sent);
    assert.ok(value('bowerbird_sync_bytes_total') >= sync.bytes_sent);
    assert.ok(value('bowerbird_sync_errors_total') >= 1);
    assert.ok(value('bowerbird_capture_records_total') > 5);
    for (const gauge of ['waiting_files', 'waiting_bytes', 'queue_files'])
      assert.ok(Number.isFinite(value(`bowerbird_sync_${gauge}`)), gauge);
  });

  it('refuses commands that it does not know', async () => {
    const ask = (command) => pair.dataManager.doCommand(sdk.Struct.fromJson(command));
    await rejects(() => ask({ command: 'dance' }), INVALID_ARGUMENT, /flush/);
    await rejects(() => ask({}), INVALID_ARGUMENT, /flush/);
  });
});
