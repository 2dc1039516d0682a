// SPDX-License-Identifier: Apache-2.0
//
// The cases in Chromium: the SDK's own browser build over gRPC-Web, from a page of the same origin, and
// a call from a page of another origin.
import { readFileSync, readdirSync } from 'node:fs';
import { createServer } from 'node:http';
import path from 'node:path';
import { after, before, describe, it } from 'node:test';
import { launchBrowser, noBrowser } from '../browser.mjs';
import { freePort, root, Server } from '../server.mjs';
import { cases } from './cases.mjs';
import { dial } from './clients.mjs';
import { allReady, machineConfig } from './machine.mjs';

const here = path.join(root, 'tests/conformance');
const SDK = path.join(root, 'tests/node_modules/@viamrobotics/sdk/dist/main.es.js');

/** The suite's modules, put under an address that the server does not know. */
async function offerModules(context) {
  const scripts = { 'sdk.mjs': SDK };
  for (const file of readdirSync(here)) scripts[file] = path.join(here, file);
  await context.route('**/conformance/*', (route) => {
    const name = new URL(route.request().url()).pathname.split('/').at(-1);
    if (name === 'page.html')
      return route.fulfill({ contentType: 'text/html', body: '<!doctype html><title>cases</title>' });
    if (!(name in scripts)) return route.fulfill({ status: 404 });
    return route.fulfill({ contentType: 'text/javascript', body: readFileSync(scripts[name]) });
  });
}

describe('Chromium', { skip: noBrowser ?? false }, () => {
  let server, browser, page, elsewhere, port;

  before(async () => {
    port = await freePort();
    const args = ['--allow-origin', `http://localhost:${port}`];
    server = await Server.start({ config: machineConfig(), args });
    await allReady(await dial(server.url, 'grpc'));
    browser = await launchBrowser();
    const context = await browser.newContext();
    await offerModules(context);
    page = await context.newPage();
    await page.goto(`${server.url}/conformance/page.html`);
    await page.evaluate(async () => {
      const [sdk, { cases }] = await Promise.all([
        import('/conformance/sdk.mjs'),
        import('/conformance/cases.mjs'),
      ]);
      const robot = await new sdk.RobotClient().dial({
        host: location.origin,
        noReconnect: true,
        disableSessions: true,
      });
      globalThis.runCase = async (index) => {
        try {
          await cases[index].run({ sdk, robot });
          return null;
        } catch (error) {
          return error.stack ?? String(error);
        }
      };
    });
  });

  after(async () => {
    await browser?.close();
    elsewhere?.close();
    await server?.close();
    setTimeout(() => process.exit(), 200).unref();
  });

  cases.forEach(({ name }, index) =>
    it(name, { timeout: 60_000 }, async () => {
      const failure = await page.evaluate((at) => globalThis.runCase(at), index);
      if (failure !== null) throw new Error(failure);
    }),
  );

  it('a page of another origin may call where the machine allows it', { timeout: 60_000 }, async () => {
    elsewhere = createServer((request, response) => {
      const script = request.url.endsWith('.mjs');
      response.setHeader('content-type', script ? 'text/javascript' : 'text/html');
      response.end(script ? readFileSync(SDK) : '<!doctype html><title>elsewhere</title>');
    }).listen(port, '127.0.0.1');
    // Without a route: what intercepts requests answers preflights in the machine's place.
    const other = await (await browser.newContext()).newPage();
    await other.goto(`http://localhost:${port}/`);
    const answer = await other.evaluate(async (host) => {
      const sdk = await import('/sdk.mjs');
      const robot = await new sdk.RobotClient().dial({ host, noReconnect: true, disableSessions: true });
      const missing = await new sdk.CameraClient(robot, 'nobody').getImages().catch((error) => error);
      return { names: (await robot.resourceNames()).length, missing: missing.message };
    }, server.url);
    if (!(answer.names > 0)) throw new Error('no resources came back');
    if (!/nobody/.test(answer.missing)) throw new Error(`the error lost its text: ${answer.missing}`);
  });
});
