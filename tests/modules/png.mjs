// SPDX-License-Identifier: Apache-2.0
//
// Small pictures.
import { deflateSync } from 'node:zlib';

const SIZE = 64; // pixels a side

const CRC = Array.from({ length: 256 }, (_, n) => {
  let c = n;
  for (let i = 0; i < 8; ++i) c = c & 1 ? (c >>> 1) ^ 0xedb88320 : c >>> 1;
  return c >>> 0;
});
const crc = (bytes) => (bytes.reduce((c, byte) => (c >>> 8) ^ CRC[(c ^ byte) & 0xff], 0xffffffff) ^ 0xffffffff) >>> 0;

function chunk(type, data) {
  const bytes = Buffer.alloc(12 + data.length);
  bytes.writeUInt32BE(data.length);
  bytes.write(type, 4, 'latin1');
  data.copy(bytes, 8);
  bytes.writeUInt32BE(crc(bytes.subarray(4, 8 + data.length)), 8 + data.length);
  return bytes;
}

/** A PNG of one colour, [r, g, b]. `shade` makes it another picture each time. */
export function png(color, shade = 0) {
  const head = Buffer.alloc(13);
  head.writeUInt32BE(SIZE, 0);
  head.writeUInt32BE(SIZE, 4);
  head.set([8, 2], 8);
  const row = Buffer.concat([Buffer.from([0]), ...Array.from({ length: SIZE }, () => Buffer.from(color))]);
  const pixels = Buffer.concat(Array.from({ length: SIZE }, () => row));
  pixels[1] = Math.min(255, pixels[1] + shade);
  return Buffer.concat([
    Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]),
    chunk('IHDR', head), chunk('IDAT', deflateSync(pixels)), chunk('IEND', Buffer.alloc(0)),
  ]);
}
