// SPDX-License-Identifier: Apache-2.0
//
// The wire's messages for Python, made by protoc for the life of a test run.
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { root } from '../server.mjs';

/** A folder for PYTHONPATH; `close` removes it. */
export function pythonMessages() {
  const folder = mkdtempSync(path.join(tmpdir(), 'bowerbird-messages-'));
  const protos = path.join(root, 'proto');
  const files = readdirSync(protos, { recursive: true })
    .map(String)
    .filter((name) => /^(app|common|component|module|opentelemetry|robot|service|google.(api|rpc)|proto).*\.proto$/.test(name));
  execFileSync('protoc', [`-I${protos}`, `--python_out=${folder}`, ...files], { cwd: protos });
  return { folder, close: () => rmSync(folder, { recursive: true, force: true }) };
}
