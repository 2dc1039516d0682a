// SPDX-License-Identifier: Apache-2.0
//
// The module of speech, as an archive: what is synthesised is recognised, through the machine.
import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import path from 'node:path';
import { after, before, describe, it } from 'node:test';
import { dial, sdk } from '../conformance/clients.mjs';
import { eventually, root, Server } from '../server.mjs';
import { tone, wav } from '../sound/wav.mjs';

const has = (program, ...args) => spawnSync(program, args).status === 0;
const skip =
  has('/usr/bin/python3', '-c', 'import grpc, google.protobuf, pocketsphinx') && has('which', 'espeak-ng', 'flite') &&
  has('test', '-d', '/usr/share/pocketsphinx/model/en-us')
    ? false
    : 'python3-pocketsphinx, pocketsphinx-en-us, espeak-ng or flite is not installed';
const PHRASES = ['turn on the light', 'turn off the light', 'open the door', 'close the door'];
// The first sentences of the first of the lists that telephones are tried with (IEEE, 1969).
const SENTENCES = [
  'the birch canoe slid on the smooth planks',
  'glue the sheet to the dark blue background',
  "it's easy to tell the depth of a well",
  'these days a chicken leg is a rare dish',
  'rice is often served in round bowls',
];

after(() => setTimeout(() => process.exit(), 200).unref());

/** How many words must be put in, left out or changed to come from one text to the other. */
function wordErrors(wanted, heard) {
  const [a, b] = [wanted, heard].map((text) => text.split(/\s+/).filter(Boolean));
  let row = b.map((_, j) => j + 1);
  row.unshift(0);
  for (let i = 1; i <= a.length; ++i) {
    const next = [i];
    for (let j = 1; j <= b.length; ++j)
      next.push(Math.min(next[j - 1] + 1, row[j] + 1, row[j - 1] + (a[i - 1] === b[j - 1] ? 0 : 1)));
    row = next;
  }
  return row[b.length];
}

describe('speech', { skip }, () => {
  let server, robot;
  const command = (json) => sdk.Struct.fromJson(json);
  const service = (name) => new sdk.GenericServiceClient(robot, name);

  before(async () => {
    execFileSync(path.join(root, 'script/modules'), ['speech']);
    const conversation = (name, attributes) => ({
      name, api: 'rdk:service:generic', model: 'bowerbird:speech:conversation', attributes,
    });
    server = await Server.start({ config: {
      modules: [{ name: 'speech', type: 'local', executable_path: path.join(root, 'build/modules/module-speech.tar.gz') }],
      components: [
        { name: 'voice', api: 'rdk:component:audio_in', model: 'bowerbird:speech:voice', attributes: { text: 'open the door' } },
        { name: 'secretary', api: 'rdk:component:audio_out', model: 'bowerbird:speech:dictation', attributes: { phrases: PHRASES } },
      ],
      services: [
        conversation('plain', { audio_in: 'voice', audio_out: 'secretary', phrases: PHRASES, synthesizer: 'flite' }),
        conversation('free', { synthesizer: 'flite' }),
        conversation('wrong', { synthesizer: 'parrot' }),
      ],
    } });
    robot = await dial(server.url, 'grpc');
    await eventually(async () => {
      const names = (await robot.resourceNames()).map(({ name }) => name);
      return ['voice', 'secretary', 'plain', 'free'].every((name) => names.includes(name));
    }, 60_000);
  });
  after(() => server?.close());

  it('of the module is heard through the machine, and understood until it is silent', async () => {
    const { text, words, seconds } = await service('plain').doCommand(command({ command: 'listen', seconds: 20 }));
    assert.equal(text, 'open the door');
    assert.deepEqual(words.map(({ word }) => word), ['open', 'the', 'door']);
    assert.ok(seconds < 20);
  });

  it('goes to a loudspeaker, which writes it down', async () => {
    const { seconds } = await service('plain').doCommand(command({ command: 'say', text: 'turn off the light' }));
    assert.ok(seconds > 0.5);
    const secretary = new sdk.AudioOutClient(robot, 'secretary');
    assert.equal((await secretary.doCommand(command({ command: 'text' }))).text, 'turn off the light');
    assert.deepEqual((await secretary.getProperties()).supportedCodecs, ['pcm16']);
    const info = { sampleRateHz: 8000, numChannels: 1 };
    await assert.rejects(() => secretary.play(new Uint8Array(100), { ...info, codec: 'mp3' }), /pcm16/);
  });

  it('of any words is recognised by the large language model', async (test) => {
    let errors = 0;
    let words = 0;
    for (const sentence of SENTENCES) {
      const { audio } = await service('free').doCommand(command({ command: 'say', text: sentence }));
      const { text } = await service('free').doCommand(command({ command: 'listen', audio }));
      test.diagnostic(`${sentence} -> ${text}`);
      errors += wordErrors(sentence, text);
      words += sentence.split(' ').length;
    }
    test.diagnostic(`word error rate ${(100 * errors / words).toFixed(1)} %: ${errors} of ${words} words`);
    assert.ok(errors / words < 0.5, `${errors} of ${words} words are wrong`);
  });

  it('where there is none is none, and what cannot be done says why', async () => {
    const noise = wav(tone(50, 8000, 1), 8000).toString('base64');
    assert.equal((await service('plain').doCommand(command({ command: 'listen', audio: noise, phrases: ['open the door'] }))).text, '');
    const fails = (json, pattern, name = 'free') => assert.rejects(() => service(name).doCommand(command(json)), pattern);
    await fails({ command: 'listen' }, /audio_in/);
    await fails({ command: 'listen', audio: 'UklGRg==' }, /WAV/);
    await fails({ command: 'say', text: '' }, /text/);
    await fails({ command: 'listen', audio: noise, phrases: ['frobnicate'] }, /dictionary/);
    await fails({ command: 'dance' }, /listen/);
    await fails({ command: 'say' }, /parrot/, 'wrong');
  });
});
