// SPDX-License-Identifier: Apache-2.0
//
// Who may call: keys of the config, keys made by the command, tokens, revocation.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { after, before, describe, it } from 'node:test';
import { eventually, freePort, program, Server } from '../server.mjs';
import { dial, sdk, TRANSPORTS } from './clients.mjs';
import { PERMISSION_DENIED, UNAUTHENTICATED, UNIMPLEMENTED } from './codes.mjs';
import { rejects } from './expect.mjs';

const KEY_ID = '9d0f2f34-8a4c-4c55-9a8e-0d6f3c1f7a01';
const KEY = 'a-secret-of-the-config-file';
const credential = (id, key) => ({ type: 'api-key', authEntity: id, payload: key });

const config = {
  components: [{ name: 'cam', api: 'rdk:component:camera', model: 'fake' }],
  auth: { handlers: [{ type: 'api-key', config: { keys: [KEY_ID], [KEY_ID]: KEY } }] },
};

after(() => setTimeout(() => process.exit(), 200).unref());

for (const transport of Object.keys(TRANSPORTS))
  describe(`a machine with keys, over ${transport}`, () => {
    let server;
    before(async () => {
      server = await Server.start({ config });
    });
    after(() => server?.close());

    it('lets nobody in without credentials', async () => {
      await rejects(() => failureOf(dial(server.url, transport)), UNAUTHENTICATED);
    });

    it('lets nobody in with a bad key or an unknown id', async () => {
      for (const wrong of [credential(KEY_ID, 'wrong'), credential('no-such-id', KEY)])
        await rejects(() => failureOf(dial(server.url, transport, wrong)), UNAUTHENTICATED);
    });

    it('lets in who has a key', async () => {
      const robot = await dial(server.url, transport, credential(KEY_ID, KEY));
      await eventually(async () => (await robot.resourceNames()).length > 0);
    });

    it('refuses a token that it did not make', async () => {
      const forged = { type: 'access-token', payload: 'eyJhbGciOiJub25lIn0.e30.' };
      await rejects(
        () => failureOf(dial(server.url, transport, forged)),
        [UNAUTHENTICATED, PERMISSION_DENIED],
      );
    });

    it('takes a key that the command made, while it runs, and drops it when it is revoked', async () => {
      const made = JSON.parse(server.command('key', 'create', 'tester', '--json'));
      const robot = await dial(server.url, transport, credential(made.id, made.key));
      await robot.resourceNames();
      const listed = server.command('key', 'list');
      assert.match(listed, new RegExp(made.id));
      assert.ok(!listed.includes(made.key), 'the key itself is shown once only');
      server.command('key', 'revoke', made.id);
      await rejects(() => robot.resourceNames(), UNAUTHENTICATED);
    });

    it('knows its tokens again after a restart', async () => {
      const robot = await dial(server.url, transport, credential(KEY_ID, KEY));
      await server.stop();
      await server.launch();
      await eventually(async () => (await robot.resourceNames()).length > 0);
    });
  });

describe('an open machine', () => {
  it('answers without credentials on a loopback address, and tolerates those who send some', async () => {
    const server = await Server.start({ config: { components: config.components } });
    try {
      assert.ok((await (await dial(server.url, 'grpc')).resourceNames()).length >= 0);
      const given = await dial(server.url, 'grpc', credential('x', 'y')).catch((error) => rootOf(error));
      assert.ok(
        given instanceof sdk.RobotClient || [UNAUTHENTICATED, UNIMPLEMENTED].includes(given.code),
        `${given}`,
      );
    } finally {
      await server.close();
    }
  });

  describe('on an address that others can reach', () => {
    let server;
    before(async () => {
      server = new Server(await freePort(), [], {});
      server.configure({ components: config.components });
    });
    after(() => server.close());

    it('does not start without a key, and says so', async () => {
      const { code, text } = await outcome(server);
      assert.ok(code === 1 || code === 2, `exit status ${code}; it wrote: ${text}`);
      assert.match(text, /key/i);
    });

    it('does not start with a key but without TLS, and says so', async () => {
      server.command('key', 'create', 'anybody');
      const { code, text } = await outcome(server);
      assert.ok(code === 1 || code === 2, `exit status ${code}; it wrote: ${text}`);
      assert.match(text, /tls/i);
      assert.match(text, /--insecure/);
    });

    it('starts with a key and --insecure, and asks for the key', async () => {
      server.args = ['--listen', `0.0.0.0:${server.port}`, '--insecure'];
      await server.launch();
      await rejects(() => failureOf(dial(server.url, 'grpc')), UNAUTHENTICATED);
    });
  });
});

/** Starts the program on every address of the machine and waits for its end. */
async function outcome(server) {
  const child = spawn(program, [
    ...['serve', '--config', server.config, '--data-dir', `${server.folder}/data`],
    ...['--listen', `0.0.0.0:${server.port}`],
  ]);
  let text = '';
  child.stderr.on('data', (chunk) => (text += chunk));
  const timer = setTimeout(() => child.kill('SIGKILL'), 10_000);
  const code = await new Promise((resolve) => child.once('exit', resolve));
  clearTimeout(timer);
  return { code, text };
}

/** A failed dial hides the call's error behind its own: the cause is what the machine said. */
async function failureOf(dialling) {
  try {
    return await dialling;
  } catch (error) {
    throw rootOf(error);
  }
}

function rootOf(error) {
  const [cause] = Array.isArray(error.cause) ? error.cause : [error.cause ?? error];
  return cause;
}
