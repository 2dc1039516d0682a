// SPDX-License-Identifier: Apache-2.0
//
// Debian's Chromium, headless and quiet: it speaks to the server under test and to nobody else.
import { existsSync } from 'node:fs';
import { chromium } from 'playwright-core';

const executablePath = process.env.CHROMIUM ?? '/usr/bin/chromium';

/** Why there is no browser to test with, or null. */
export const noBrowser = existsSync(executablePath)
  ? null
  : `${executablePath} is not there: run script/install test`;

export function launchBrowser() {
  return chromium.launch({
    executablePath,
    args: [
      '--headless',
      '--no-sandbox',
      '--disable-gpu',
      '--disable-quic',
      '--no-first-run',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
    ],
  });
}
