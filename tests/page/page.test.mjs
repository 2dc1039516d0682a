// SPDX-License-Identifier: Apache-2.0
//
// The page in a real browser against the demo: people in the street have boxes, and the boxes move.
// Screenshots go to build/.
import assert from 'node:assert/strict';
import { mkdirSync } from 'node:fs';
import path from 'node:path';
import { after, afterEach, before, describe, it } from 'node:test';
import { launchBrowser, noBrowser } from '../browser.mjs';
import { eventually, media, root, Server } from '../server.mjs';
import { pictureHasContent, readOverlay } from './overlay.mjs';

const env = { BOWERBIRD_MEDIA: path.join(root, 'examples/media') };
const example = (name) => path.join(root, 'examples', name);
const missing = (...names) =>
  names.some((name) => media(name) === null)
    ? `examples/media lacks ${names}: run script/media (needs the network once)`
    : false;

const shots = path.join(root, 'build');

describe('the page', { skip: noBrowser ?? false }, () => {
  let browser;
  before(async () => {
    mkdirSync(shots, { recursive: true });
    browser = await launchBrowser();
  });
  after(() => browser?.close());

  /** A page that fails the test on any script error and on any request to another host. */
  async function openPage(server, options = {}) {
    const context = await browser.newContext({ viewport: { width: 1280, height: 900 }, ...options });
    context.setDefaultTimeout(60_000); // a loaded machine is slow, not wrong
    const page = await context.newPage();
    page.problems = [];
    page.atOnce = 0;
    page.mostAtOnce = 0;
    const captures = (request) => request.url().endsWith('/CaptureAllFromCamera');
    page.on('pageerror', (error) => page.problems.push(`script error: ${error.message}`));
    page.on('request', (request) => {
      const { origin, protocol } = new URL(request.url());
      if (protocol.startsWith('http') && origin !== server.url)
        page.problems.push(`a request to ${request.url()}`);
      if (captures(request)) page.mostAtOnce = Math.max(page.mostAtOnce, ++page.atOnce);
    });
    for (const end of ['requestfinished', 'requestfailed'])
      page.on(end, (request) => captures(request) && page.atOnce--);
    await page.goto(`${server.url}/`);
    return page;
  }

  describe('on the street video', { skip: missing('vtest.avi', 'models/detector.tflite') }, () => {
    let server, page;
    before(async () => {
      server = await Server.start({ config: example('demo.json'), env });
      page = await openPage(server);
    });
    after(() => server?.close());
    afterEach(() => assert.deepEqual(page.problems, []));

    it('lists the resources with their state', async () => {
      for (const name of ['street', 'detector', 'finder']) {
        const item = page.locator('li', { has: page.getByText(name, { exact: true }) });
        await item.getByText('ready').waitFor({ timeout: 30_000 });
      }
      const status = page.getByRole('status').first();
      await eventually(async () => (await status.innerText()) === 'Connected', 30_000);
    });

    it('shows the picture with boxes, and the boxes move', { timeout: 60_000 }, async () => {
      const first = await eventually(() => readOverlay(page), 30_000);
      assert.ok(await pictureHasContent(page), 'there is a picture under the boxes');
      const moved = await eventually(async () => {
        const now = await readOverlay(page);
        const edges = ['left', 'top', 'right', 'bottom'];
        return now && now.hash !== first.hash && edges.some((edge) => now[edge] !== first[edge]) && now;
      }, 30_000);
      assert.notDeepEqual(moved, first);
      await page.locator('li', { hasText: /Person \d+ %/ }).first().waitFor({ timeout: 20_000 });
      const label = await page.locator('.picture').getAttribute('aria-label');
      assert.match(label, /street: \d+ \w+|nothing found/);
    });

    it('measures every phase and the frame rate', async () => {
      for (const phase of ['decode', 'resize', 'queue', 'invoke', 'postprocess', 'encode'])
        assert.match(await page.locator(`[data-phase=${phase}]`).innerText(), /^\d+(\.\d+)? ms$/, phase);
      const number = async (figure) =>
        parseFloat(await page.locator(`[data-figure=${figure}]`).innerText());
      assert.ok(parseFloat(await page.locator('[data-phase=invoke]').innerText()) > 0.1);
      await eventually(async () => (await number('fps')) > 1, 10_000);
      assert.ok((await number('round-trip')) >= (await number('machine')) * 0.5);
    });

    it('never asks for a picture before the last one has come', () => {
      assert.equal(page.mostAtOnce, 1);
    });

    it('hides what is below the slider', async () => {
      const slider = page.getByRole('slider');
      await slider.fill('1');
      await eventually(async () => (await readOverlay(page)) === null, 10_000);
      await slider.fill('0.4');
      await eventually(() => readOverlay(page), 20_000);
    });

    it('keeps what was chosen over a reload', async () => {
      await page.getByRole('slider').fill('0.55');
      await page.reload();
      assert.equal(await page.getByRole('slider').inputValue(), '0.55');
      await page.getByRole('slider').fill('0.4');
    });

    it('can be photographed, light, dark and narrow', async () => {
      await page.locator('li', { hasText: /Person \d+ %/ }).first().waitFor({ timeout: 20_000 });
      await page.screenshot({ path: path.join(shots, 'page.png'), fullPage: true });
      await page.emulateMedia({ colorScheme: 'dark' });
      await page.screenshot({ path: path.join(shots, 'page-dark.png'), fullPage: true });
      await page.emulateMedia({ colorScheme: 'light' });
      await page.setViewportSize({ width: 390, height: 844 });
      const wider = await page.evaluate(
        () => document.documentElement.scrollWidth - document.documentElement.clientWidth,
      );
      assert.equal(wider, 0, 'nothing sticks out at the width of a telephone');
      await page.screenshot({ path: path.join(shots, 'page-narrow.png'), fullPage: true });
      await page.setViewportSize({ width: 1280, height: 900 });
    });

    it('shows the picture alone when asked to', async () => {
      await page.getByLabel('Vision service').selectOption({ label: 'none: picture only' });
      await eventually(async () => (await readOverlay(page)) === null, 10_000);
      await eventually(() => pictureHasContent(page), 10_000);
      await page.getByLabel('Vision service').selectOption('finder');
      await eventually(() => readOverlay(page), 20_000);
    });

    it('says that the machine is gone and goes on when it is back', { timeout: 90_000 }, async () => {
      await server.stop();
      await page.getByText('The machine does not answer').waitFor({ timeout: 20_000 });
      await page.screenshot({ path: path.join(shots, 'page-lost.png'), fullPage: true });
      await server.launch();
      await page.getByText('The machine does not answer').waitFor({ state: 'hidden', timeout: 30_000 });
      const first = await eventually(() => readOverlay(page), 30_000);
      await eventually(async () => (await readOverlay(page))?.hash !== first.hash, 30_000);
    });
  });

  describe('on photos', { skip: missing('astronaut.png', 'models/detector.tflite') }, () => {
    it('changes the camera', { timeout: 60_000 }, async () => {
      const server = await Server.start({ config: example('demo-small.json'), env });
      try {
        const page = await openPage(server);
        const choice = page.getByRole('combobox', { name: 'Camera' });
        await choice.locator('option').nth(2).waitFor({ state: 'attached', timeout: 30_000 });
        for (const camera of ['cat', 'coffee', 'astronaut']) {
          await choice.selectOption(camera);
          await page.getByLabel(new RegExp(`Live picture of camera ${camera}`)).waitFor();
          await eventually(() => pictureHasContent(page), 10_000);
        }
        await page.screenshot({ path: path.join(shots, 'page-small.png'), fullPage: true });
        assert.deepEqual(page.problems, []);
      } finally {
        await server.close();
      }
    });
  });

  it('asks for a key where the machine does', { timeout: 60_000 }, async () => {
    const id = '9d0f2f34-8a4c-4c55-9a8e-0d6f3c1f7a01';
    const server = await Server.start({
      config: {
        components: [{ name: 'cam', api: 'rdk:component:camera', model: 'fake' }],
        auth: { handlers: [{ type: 'api-key', config: { keys: [id], [id]: 'the key' } }] },
      },
    });
    try {
      const page = await openPage(server);
      await page.getByLabel('Key ID').fill(id);
      await page.getByLabel('Key', { exact: true }).fill('not the key');
      await page.getByRole('button', { name: 'Connect' }).click();
      await page.getByText('The key was refused').waitFor();
      await page.screenshot({ path: path.join(shots, 'page-key.png'), fullPage: true });
      await page.getByLabel('Key ID').fill(id);
      await page.getByLabel('Key', { exact: true }).fill('the key');
      await page.getByRole('button', { name: 'Connect' }).click();
      await page.getByText('Connected').waitFor();
      await eventually(() => pictureHasContent(page), 20_000);
      assert.deepEqual(page.problems, []);
    } finally {
      await server.close();
    }
  });

  it('says what to do on a machine without cameras', { timeout: 60_000 }, async () => {
    const server = await Server.start({ config: { components: [] } });
    try {
      const page = await openPage(server);
      await page.getByText('No camera is ready').waitFor({ timeout: 20_000 });
      await page.screenshot({ path: path.join(shots, 'page-empty.png'), fullPage: true });
    } finally {
      await server.close();
    }
  });
});
