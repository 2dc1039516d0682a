// SPDX-License-Identifier: Apache-2.0
//
// What lies in a capture folder, read as the format says (docs/formats/capture-file.md): each closed
// file of a binary capture as the hash of its payload.
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';

export const sha256 = (bytes) => createHash('sha256').update(bytes).digest('hex');

function varint(buffer, at) {
  let value = 0n;
  for (let shift = 0n; ; shift += 7n, at += 1) {
    if (at >= buffer.length) throw new Error('a number is cut off');
    value |= BigInt(buffer[at] & 0x7f) << shift;
    if (buffer[at] < 0x80) return [Number(value), at + 1];
  }
}

/** The length-delimited field `number` of a message; null if it is not there. */
function bytesField(message, number) {
  for (let at = 0; at < message.length; ) {
    let tag, value;
    [tag, at] = varint(message, at);
    if ((tag & 7) === 0) [value, at] = varint(message, at);
    else if ((tag & 7) === 1) at += 8;
    else if ((tag & 7) === 5) at += 4;
    else {
      [value, at] = varint(message, at);
      if (tag >> 3 === number) return message.subarray(at, at + value);
      at += value;
    }
  }
  return null;
}

/** SHA-256 of the payload of a closed capture file of one picture. */
export function payloadHash(file) {
  const buffer = readFileSync(file);
  let [length, at] = varint(buffer, 0); // the metadata
  at += length;
  [length, at] = varint(buffer, at);
  const SensorDataBinary = 3;
  const payload = bytesField(buffer.subarray(at, at + length), SensorDataBinary);
  if (payload === null) throw new Error(`${file} has no picture`);
  return sha256(payload);
}

/** Every closed capture file below `folder`. */
export function capturedFiles(folder) {
  if (!existsSync(folder)) return [];
  return readdirSync(folder, { recursive: true })
    .filter((name) => name.endsWith('.capture') && !name.startsWith('failed'))
    .map((name) => path.join(folder, name));
}
