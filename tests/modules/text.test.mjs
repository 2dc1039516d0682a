// SPDX-License-Identifier: Apache-2.0
//
// The module text, from its archive: reviews of films.
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { Struct } from '@viamrobotics/sdk';
import { dial, sdk } from '../conformance/clients.mjs';
import { eventually, Server } from '../server.mjs';
import { noData, packed, testFile } from './pictures.mjs';

const PRAISE = 'A wonderful film: the best acting, a beautiful and moving story.';
const SCORN = 'The worst film ever. Terrible acting, an awful and boring waste of time.';

after(() => setTimeout(() => process.exit(), 200).unref());

describe('the module text', { skip: noData }, () => {
  let server, reviews;

  before(async () => {
    const text = (name, attributes) => ({ name, api: 'rdk:service:generic', model: 'bowerbird:text:classifier', attributes });
    const model_path = testFile('models/text/text_classification.tflite');
    server = await Server.start({ config: {
      modules: [{ name: 'text', type: 'local', executable_path: packed('text') }],
      services: [
        text('reviews', { model_path, vocab_path: testFile('models/text/vocab.txt'), label_path: testFile('models/text/labels.txt') }),
        text('wrong', { model_path }),
        text('threads', { model_path, num_threads: 'x' }),
      ],
    } });
    const robot = await dial(server.url, 'grpc');
    const client = new sdk.GenericServiceClient(robot, 'reviews');
    reviews = (command) => client.doCommand(Struct.fromJson(command));
    await eventually(() => reviews({ classify: '' }), 60_000);
  });
  after(() => server?.close());

  it('tells praise from scorn', async () => {
    const { classifications } = await reviews({ classify: PRAISE });
    assert.deepEqual(classifications.map(({ label }) => label), ['Positive', 'Negative']);
    assert.ok(classifications[0].confidence > 0.7, JSON.stringify(classifications));
    const several = await reviews({ classify: [SCORN, PRAISE], n: 1 });
    assert.deepEqual(several.classifications.map(([{ label }]) => label), ['Negative', 'Positive']);
  });

  it('refuses what is no text, and no text model', async () => {
    await assert.rejects(reviews({ classify: 7 }), /must be text/);
    await assert.rejects(reviews({ talk: 'x' }), /the command must be/);
    await assert.rejects(reviews({ classify: 'x', n: 0 }), /"n" must be 1 or more/);
    await eventually(() => /has no vocabulary in it: give one as vocab_path/.test(server.output), 30_000);
    await eventually(() => /"num_threads" must be a whole number/.test(server.output), 30_000);
  });
});
