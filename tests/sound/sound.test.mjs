// SPDX-License-Identifier: Apache-2.0
//
// Microphones and loudspeakers through the official SDK: here, of a remote, and captured.
import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, describe, it } from 'node:test';
import { capturing, Pair } from '../capture/pair.mjs';
import { dial, sdk } from '../conformance/clients.mjs';
import { named, rawCall } from '../modules/raw.mjs';
import { eventually, Server } from '../server.mjs';
import { parseWav, tone, wav } from './wav.mjs';

const RATE = 8000;
const folder = mkdtempSync(path.join(tmpdir(), 'bowerbird-sound-'));
const file = path.join(folder, 'tone.wav');
const played = path.join(folder, 'played.wav');
const pcm = tone(440, RATE, 3);
const INFO = { codec: 'pcm16', sampleRateHz: RATE, numChannels: 1 };

const component = (api, name, model, attributes, ...methods) => ({
  name, api: `rdk:component:${api}`, model, attributes, service_configs: capturing(...methods),
});

async function collect(stream) {
  const chunks = [];
  for await (const chunk of stream) chunks.push(chunk);
  return { chunks, bytes: Buffer.concat(chunks.map((chunk) => chunk.audioData)) };
}
const names = async (robot) => (await robot.resourceNames()).map(({ name }) => name);

describe('sound', () => {
  let pair, near, remote;

  before(async () => {
    writeFileSync(file, wav(pcm, RATE));
    pair = await Pair.start({
      components: [
        component('audio_in', 'mic', 'sound_file', { path: file }, { method: 'GetAudio', capture_frequency_hz: 2 }),
        component('audio_in', 'tape', 'sound_file', { path: file, loop: false, realtime: false }),
        component('audio_in', 'broken', 'microphone', { device: 'no_such_device' }),
        component('audio_out', 'file', 'sound_file', { path: played }),
        component('audio_out', 'nothing', 'speaker', { device: 'null' }),
        component('audio_out', 'mute', 'speaker', { device: 'no_such_device' }),
      ],
    });
    near = await Server.start({
      config: { remotes: [{ name: 'far', address: `localhost:${pair.machine.port}`, insecure: true }] },
    });
    remote = await dial(near.url, 'grpc');
    for (const robot of [pair.robot, remote])
      await eventually(async () => (await names(robot)).filter((name) => /^(mic|tape|file)$/.test(name)).length === 3, 40_000);
  });
  after(async () => {
    await near?.close();
    await pair?.close();
    rmSync(folder, { recursive: true, force: true });
  });

  for (const [where, of] of [['here', () => pair.robot], ['of a remote', () => remote]]) {
    it(`a file ${where} is heard from its beginning, to the sample`, async () => {
      const tape = new sdk.AudioInClient(of(), 'tape');
      assert.deepEqual(await tape.getProperties(), {
        supportedCodecs: ['pcm16', 'pcm32', 'pcm32_float'], sampleRateHz: RATE, numChannels: 1,
      });
      const { chunks, bytes } = await collect(tape.getAudio('pcm16', 1.25));
      assert.ok(bytes.equals(pcm.subarray(0, 2 * 1.25 * RATE)));
      assert.deepEqual(chunks.map(({ sequence }) => sequence), chunks.map((_, i) => i));
      for (let i = 1; i < chunks.length; ++i)
        assert.equal(chunks[i].startTimeNs, chunks[i - 1].endTimeNs);
      const all = await collect(tape.getAudio('pcm32_float', 0));
      assert.equal(all.bytes.length, 2 * pcm.length);
      assert.ok(Math.abs(all.bytes.readFloatLE(400) - pcm.readInt16LE(200) / 32768) < 1e-7);
    });

    it(`what is played ${where} is a WAV file`, async () => {
      const out = new sdk.AudioOutClient(of(), 'file');
      rmSync(played, { force: true });
      await out.play(new Uint8Array(pcm), INFO);
      const file = parseWav(readFileSync(played));
      assert.ok(file.pcm.equals(pcm));
      assert.equal(file.rate, RATE);
      await assert.rejects(() => out.play(new Uint8Array(3), INFO), /whole samples/);
      await assert.rejects(() => out.play(new Uint8Array(4), { ...INFO, codec: 'flac' }), /pcm32_float/);
      await assert.rejects(() => out.play(new Uint8Array(4), { ...INFO, sampleRateHz: 0 }), /sample rate/);
    });

    it(`what is played in pieces ${where} is one sound`, async () => {
      rmSync(played, { force: true });
      const bytes = (number, value) => Buffer.concat([Buffer.from([(number << 3) | 2]), varint(value.length), value]);
      const info = Buffer.concat([bytes(1, Buffer.from('pcm16')), Buffer.from([0x10]), varint(RATE), Buffer.from([0x18, 1])]);
      const init = bytes(1, Buffer.concat([named('file'), bytes(2, info)]));
      const pieces = [0, 5000, 12001, pcm.length].slice(1).map((end, i, ends) => bytes(2, bytes(1, pcm.subarray(i ? ends[i - 1] : 0, end))));
      const url = where === 'here' ? pair.machine.url : near.url;
      const method = 'viam.component.audioout.v1.AudioOutService/PlayStream';
      const answer = await rawCall(url, method, [init, ...pieces]);
      assert.equal(answer.status, 0, answer.message);
      assert.ok(parseWav(readFileSync(played)).pcm.equals(pcm));
      assert.equal((await rawCall(url, method, pieces)).status, 3);
      assert.equal((await rawCall(url, method, [init, init])).status, 3);
    });

    it(`a live source ${where} goes on where a listener was, and lets it go`, async () => {
      const mic = new sdk.AudioInClient(of(), 'mic');
      const first = await collect(mic.getAudio('pcm16', 0.3));
      assert.equal(first.bytes.length, 2 * 0.3 * RATE);
      const last = first.chunks.at(-1);
      const end = last.endTimeNs;
      const second = await collect(mic.getAudio('pcm16', 0.3, end));
      // The file is looped: both together are a piece of it.
      const heard = Buffer.concat([first.bytes, second.bytes]);
      assert.ok(Buffer.concat([pcm, pcm]).includes(heard.subarray(0, 2 * 0.55 * RATE)), 'no gap between both');
      const abort = new AbortController();
      let pieces = 0;
      await assert.rejects(async () => {
        for await (const { audioData } of mic.getAudio('pcm16', 0, 0n, {}, { signal: abort.signal })) {
          assert.ok(audioData.length > 0);
          if (++pieces === 3) abort.abort();
        }
      });
      assert.equal(pieces, 3);
      await eventually(async () => {
        const metrics = await (await fetch(`${pair.machine.url}/metrics`)).text();
        const running = [...metrics.matchAll(/^bowerbird_\S*in_flight\S*GetAudio\S* (\d+)/gm)];
        return running.every(([, count]) => count === '0');
      });
    });
  }

  it('codecs and durations that make no sense are refused', async () => {
    const mic = new sdk.AudioInClient(pair.robot, 'mic');
    await assert.rejects(() => collect(mic.getAudio('opus', 1)), /pcm16, pcm32 or pcm32_float/);
    await assert.rejects(() => collect(mic.getAudio('pcm16', -1)), /duration_seconds/);
    await assert.rejects(() => collect(new sdk.AudioInClient(pair.robot, 'nobody').getAudio('pcm16', 1)), /nobody/);
  });

  it('a device that is not there is told by name', async () => {
    const broken = new sdk.AudioInClient(pair.robot, 'broken');
    await eventually(() => collect(broken.getAudio('pcm16', 0.1)).then(() => false, (error) => /microphone no_such_device/.test(error.message)));
    await assert.rejects(() => new sdk.AudioOutClient(pair.robot, 'mute').play(new Uint8Array(pcm), INFO), /loudspeaker no_such_device/);
    await new sdk.AudioOutClient(pair.robot, 'nothing').play(new Uint8Array(pcm), INFO);
  });

  it('is captured as WAV files without a gap, sent, listed and given back', async () => {
    let items;
    await eventually(async () => (items = await pair.pictures('mic')).length >= 4, 60_000);
    const files = [];
    for (const item of items.slice(0, 4)) {
      assert.equal(item.metadata.captureMetadata.mimeType, 'audio/wav');
      assert.equal(item.metadata.fileExt, '.wav');
      files.push(parseWav(await pair.bytes(item)));
    }
    for (const { rate, channels, bits, pcm: heard } of files) {
      assert.deepEqual({ rate, channels, bits }, { rate: RATE, channels: 1, bits: 16 });
      assert.equal(heard.length, RATE); // half a second
    }
    const heard = Buffer.concat(files.map((one) => one.pcm));
    assert.ok(Buffer.concat([pcm, pcm, pcm]).includes(heard), 'the pieces follow each other');
  });

  it('a file that is not there yet is heard once it is', async () => {
    const late = path.join(folder, 'late.wav');
    const config = JSON.parse(readFileSync(pair.machine.config));
    config.components.push(component('audio_in', 'late', 'sound_file', { path: late, loop: false }));
    pair.machine.configure(config);
    await eventually(() => pair.machine.output.includes(late), 20_000);
    assert.ok(!existsSync(late));
    writeFileSync(late, wav(pcm.subarray(0, RATE), RATE));
    await eventually(async () => {
      const { bytes } = await collect(new sdk.AudioInClient(pair.robot, 'late').getAudio('pcm16', 0));
      return bytes.equals(pcm.subarray(0, RATE));
    }, 40_000);
  });
});

function varint(value) {
  const bytes = [];
  for (let left = value; left > 0 || bytes.length === 0; left >>= 7) bytes.push((left & 0x7f) | (left > 0x7f ? 0x80 : 0));
  return Buffer.from(bytes);
}
