// SPDX-License-Identifier: Apache-2.0
//
// JPEG files of one solid colour with any number of components, written here because no tool that is
// always there writes CMYK: baseline, no subsampling, quantised by 8, one code for each symbol.

function segment(marker, ...data) {
  const body = Buffer.from(data.flat());
  const head = Buffer.from([0xff, marker, 0, 0]);
  head.writeUInt16BE(body.length + 2, 2);
  return Buffer.concat([head, body]);
}

/** Bits to bytes, with the zero after 0xff that the format wants, filled up with ones. */
function packed(bits) {
  const bytes = [];
  while (bits.length % 8 !== 0) bits += '1';
  for (let i = 0; i < bits.length; i += 8) {
    const byte = Number.parseInt(bits.slice(i, i + 8), 2);
    bytes.push(byte, ...(byte === 0xff ? [0] : []));
  }
  return bytes;
}

// DC: the sizes 0 to 7 have the codes 0000 to 0111, and 8 has 1000. AC: end of block is 00.
function block(difference) {
  const size = difference === 0 ? 0 : 32 - Math.clz32(Math.abs(difference));
  const value = difference < 0 ? difference + 2 ** size - 1 : difference;
  const dc = size.toString(2).padStart(4, '0');
  return dc + (size === 0 ? '' : value.toString(2).padStart(size, '0')) + '00';
}

/** `colour`: a number 0..255 a component; [gray], or [c, m, y, k] as Adobe stores them (255: no ink). */
export function solidJpeg(width, height, colour) {
  const components = colour.map((_, i) => i + 1);
  const blocks = Math.ceil(width / 8) * Math.ceil(height / 8);
  // Of a flat block only the mean counts: 8 times the level, quantised by 8.
  const first = colour.map((level) => block(level - 128)).join('');
  const rest = block(0).repeat(colour.length).repeat(blocks - 1);
  const size = [height >> 8, height & 255, width >> 8, width & 255];
  const lengths = (at, count) => Array.from({ length: 16 }, (_, i) => (i === at - 1 ? count : 0));
  const adobe = [...Buffer.from('Adobe'), 0, 100, 0, 0, 0, 0, 0];
  return Buffer.concat([
    Buffer.from([0xff, 0xd8]),
    ...(colour.length === 4 ? [segment(0xee, adobe)] : []),
    segment(0xdb, 0, new Array(64).fill(8)),
    segment(0xc0, 8, size, colour.length, components.flatMap((id) => [id, 0x11, 0])),
    segment(0xc4, 0x00, lengths(4, 9), [0, 1, 2, 3, 4, 5, 6, 7, 8]),
    segment(0xc4, 0x10, lengths(2, 1), 0),
    segment(0xda, colour.length, components.flatMap((id) => [id, 0]), 0, 63, 0),
    Buffer.from(packed(first + rest)),
    Buffer.from([0xff, 0xd9]),
  ]);
}
