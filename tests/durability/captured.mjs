// SPDX-License-Identifier: Apache-2.0
//
// What lies in a capture folder, read as the format says (docs/formats/capture-file.md).
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { sdk } from '../conformance/clients.mjs';

export const sha256 = (bytes) => createHash('sha256').update(bytes).digest('hex');

/** The same text for the same readings, whatever the order of their keys. */
export function plainText(value) {
  if (value === null || typeof value !== 'object') return JSON.stringify(value);
  if (Array.isArray(value)) return `[${value.map(plainText)}]`;
  return `{${Object.keys(value).sort().map((key) => `${key}:${plainText(value[key])}`)}}`;
}

/** How a record is known, on disk as at the hub. */
export const keyOf = (component, method, seconds, nanos) =>
  `${component}/${method}@${seconds}.${String(nanos).padStart(9, '0')}`;

class CutOff extends Error {}

function varint(buffer, at) {
  let value = 0n;
  for (let shift = 0n; ; shift += 7n, at += 1) {
    if (at >= buffer.length) throw new CutOff('a number is cut off');
    value |= BigInt(buffer[at] & 0x7f) << shift;
    if (buffer[at] < 0x80) return [Number(value), at + 1];
  }
}

/** The message that begins at `at`, and where the next one does; null at the end or a torn one. */
function messageAt(buffer, at) {
  if (at === buffer.length) return null;
  try {
    const [length, begin] = varint(buffer, at);
    if (begin + length > buffer.length) return null;
    return [buffer.subarray(begin, begin + length), begin + length];
  } catch (error) {
    if (error instanceof CutOff) return null;
    throw error;
  }
}

/** The fields `number` of a message: numbers, or bytes. */
function fields(message, number) {
  const found = [];
  for (let at = 0; at < message.length; ) {
    let tag, value;
    [tag, at] = varint(message, at);
    if ((tag & 7) === 1) at += 8;
    else if ((tag & 7) === 5) at += 4;
    else {
      [value, at] = varint(message, at);
      if ((tag & 7) === 2) {
        const begin = at;
        at += value;
        value = message.subarray(begin, at);
      }
      if (tag >> 3 === number) found.push(value);
    }
  }
  return found;
}

// Numbers of the fields: DataCaptureMetadata, SensorData, SensorMetadata, Timestamp, Annotations.
const COMPONENT_NAME = 2;
const METHOD_NAME = 4;
const METADATA = 1;
const STRUCT = 2;
const BINARY = 3;
const TIME_REQUESTED = 1;
const ANNOTATIONS = 4;
const SECONDS = 1;
const NANOS = 2;
const BOXES = 1;

/** The whole records of a capture file: {key, content (a hash), boxes (how many)}. */
export function recordsOf(file) {
  const buffer = readFileSync(file);
  const records = [];
  let next = messageAt(buffer, 0);
  if (next === null) return records;
  const text = (number) => fields(next[0], number)[0]?.toString() ?? '';
  const [component, method] = [text(COMPONENT_NAME), text(METHOD_NAME)];
  while ((next = messageAt(buffer, next[1])) !== null) {
    const [metadata] = fields(next[0], METADATA);
    const [time] = fields(metadata, TIME_REQUESTED);
    const [annotations] = fields(metadata, ANNOTATIONS);
    const [binary] = fields(next[0], BINARY);
    const [struct] = fields(next[0], STRUCT);
    records.push({
      key: keyOf(component, method, fields(time, SECONDS)[0] ?? 0, fields(time, NANOS)[0] ?? 0),
      content: binary === undefined
        ? plainText(sdk.Struct.fromBinary(struct).toJson())
        : sha256(binary),
      boxes: annotations === undefined ? 0 : fields(annotations, BOXES).length,
    });
  }
  return records;
}

/** Every file below `folder` with this ending; without those that were put aside. */
export function capturedFiles(folder, ending = '.capture') {
  if (!existsSync(folder)) return [];
  return readdirSync(folder, { recursive: true })
    .filter((name) => name.endsWith(ending) && !name.startsWith('failed'))
    .map((name) => path.join(folder, name));
}
