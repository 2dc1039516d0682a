// SPDX-License-Identifier: Apache-2.0
//
// What a model hears: labels over time of a file, of what is sent, and of a live source.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, describe, it } from 'node:test';
import { model, testData } from '../capture/pair.mjs';
import { dial, sdk } from '../conformance/clients.mjs';
import { eventually, program, Server } from '../server.mjs';
import { tone, wav } from './wav.mjs';

const yamnet = testData('models/audio/yamnet_audio_classifier_with_metadata.tflite');
const speech = testData('models/audio/speech.wav');
const spectra = testData('models/audio/micro_speech_quantized.tflite');
const skip = yamnet && speech ? false : 'BOWERBIRD_TEST_DATA is not set';

after(() => setTimeout(() => process.exit(), 200).unref());

describe('a model of sound', { skip }, () => {
  const folder = mkdtempSync(path.join(tmpdir(), 'bowerbird-hearing-'));
  const beep = path.join(folder, 'beep.wav');
  let server, robot;
  const ask = (command) => new sdk.GenericServiceClient(robot, 'ears').doCommand(sdk.Struct.fromJson(command));

  before(async () => {
    writeFileSync(beep, wav(tone(1000, 44100, 2), 44100));
    const attributes = { mlmodel_name: 'yamnet', audio_in: 'mic', top: 3 };
    server = await Server.start({ config: {
      components: [
        { name: 'mic', api: 'rdk:component:audio_in', model: 'sound_file', attributes: { path: speech } },
        { name: 'heard', api: 'rdk:component:sensor', model: 'sound_classifier', attributes: { ...attributes, hop_seconds: 0.5 } },
      ],
      services: [
        model('yamnet', yamnet),
        { name: 'ears', api: 'rdk:service:generic', model: 'sound_classifier', attributes },
        { name: 'wrong', api: 'rdk:service:generic', model: 'sound_classifier', attributes: { mlmodel_name: 'yamnet', hop_seconds: -1 } },
      ],
    } });
    robot = await dial(server.url, 'grpc');
    await eventually(async () => (await robot.resourceNames()).filter(({ name }) => /^(ears|heard)$/.test(name)).length === 2, 60_000);
  });
  after(async () => {
    await server?.close();
    rmSync(folder, { recursive: true, force: true });
  });

  it('says of a model of sound that takes features what it must take', () => {
    const run = spawnSync(program, ['classify', '--model', spectra, beep], { encoding: 'utf8' });
    assert.equal(run.status, 1);
    assert.match(run.stderr, /the input has shape \[1, 1960\].*a model of sound must take a waveform, at least 1000 samples/);
  });

  it('names every window of a file on the command line', () => {
    const run = spawnSync(program, ['classify', '--model', yamnet, '--top', '1', speech, beep], { encoding: 'utf8' });
    assert.equal(run.status, 0, run.stderr);
    const lines = run.stdout.trim().split('\n').map(JSON.parse);
    const spoken = lines.filter(({ file }) => file === speech);
    assert.deepEqual(spoken.map((line) => line.start_seconds), [0, 0.975, 1.95, 2.925]);
    for (const { classifications } of spoken) {
      assert.equal(classifications[0].label, 'Speech');
      assert.ok(classifications[0].confidence > 0.9);
    }
    const beeps = lines.filter(({ file }) => file === beep);
    assert.equal(beeps.length, 2);
    for (const { classifications } of beeps) assert.notEqual(classifications[0].label, 'Speech');
  });

  it('goes on after a file that is none, and tells it', () => {
    const none = path.join(folder, 'none.wav');
    writeFileSync(none, 'RIFF of nothing');
    const run = spawnSync(program, ['classify', '--model', yamnet, '--top', '1', '--hop', '0.5', none, speech], { encoding: 'utf8' });
    assert.equal(run.status, 1);
    assert.match(run.stderr, /none\.wav/);
    assert.equal(run.stdout.trim().split('\n').length, 8);
  });

  it('judges a file that is sent', async () => {
    const { windows } = await ask({ command: 'classify', audio: readFileSync(speech).toString('base64'), top: 2 });
    assert.equal(windows.length, 4);
    assert.equal(windows[0].classifications.length, 2);
    for (const { classifications } of windows) assert.equal(classifications[0].label, 'Speech');
    await assert.rejects(() => ask({ command: 'classify', audio: 'no base64!' }), /base64/);
    await assert.rejects(() => ask({ command: 'classify', audio: Buffer.from('nothing').toString('base64') }), /no sound/);
    await assert.rejects(() => ask({ command: 'sing' }), /labels/);
  });

  it('listens to a live source when it is asked', async () => {
    const { windows } = await ask({ command: 'listen', seconds: 2 });
    assert.equal(windows.length, 2);
    assert.equal(windows[0].start_seconds, 0);
  });

  it('listens all the time, and tells what it hears as readings and as a list', async () => {
    const heard = new sdk.SensorClient(robot, 'heard');
    await eventually(async () => (await heard.getReadings()).label === 'Speech', 30_000);
    const reading = await heard.getReadings();
    assert.equal(reading.classifications.length, 3);
    assert.ok(reading.age_seconds < 10);
    let windows;
    await eventually(async () => ({ windows } = await ask({ command: 'labels' })).windows.length >= 3, 30_000);
    assert.ok(windows.every((window) => window.end_seconds <= 0.5 && window.start_seconds < window.end_seconds));
    assert.ok(windows.some(({ classifications }) => classifications[0].label === 'Speech'));
  });

  it('that is configured wrongly says how', async () => {
    await assert.rejects(() => new sdk.GenericServiceClient(robot, 'wrong').doCommand(sdk.Struct.fromJson({})), /hop_seconds/);
  });
});
