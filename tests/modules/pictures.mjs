// SPDX-License-Identifier: Apache-2.0
//
// Files of the public test data, and the built modules of our own.
import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import path from 'node:path';
import { program, root } from '../server.mjs';

const data = process.env.BOWERBIRD_TEST_DATA;
export const noData = data && existsSync(data) ? false : 'BOWERBIRD_TEST_DATA is not set';
export const testFile = (...parts) => path.join(data ?? '/nowhere', ...parts);

/** Packs the module `name`; gives its archive. */
export function packed(name) {
  execFileSync(path.join(root, 'script/modules'), [name], { cwd: root, stdio: ['ignore', 'ignore', 'inherit'] });
  return path.join(root, 'build/modules', `module-${name}.tar.gz`);
}

/** Writes the float model `tflite` as ONNX. */
export function toOnnx(tflite, onnx) {
  const converter = process.env.BOWERBIRD_ONNX_FROM_TFLITE ?? path.join(path.dirname(program), 'onnx_from_tflite');
  execFileSync(converter, [tflite, onnx]);
}
