// SPDX-License-Identifier: Apache-2.0
//
// WAV files of 16 bits, written and read by hand.

/** A tone of one channel as PCM. */
export function tone(hertz, rate, seconds) {
  const pcm = Buffer.alloc(2 * Math.round(rate * seconds));
  for (let i = 0; i < pcm.length / 2; ++i)
    pcm.writeInt16LE(Math.round(12000 * Math.sin((2 * Math.PI * hertz * i) / rate) + (i % 7)), 2 * i);
  return pcm;
}

export function wav(pcm, rate, channels = 1) {
  const head = Buffer.alloc(44);
  head.write('RIFF', 0);
  head.writeUInt32LE(36 + pcm.length, 4);
  head.write('WAVEfmt ', 8);
  head.writeUInt32LE(16, 16);
  head.writeUInt16LE(1, 20);
  head.writeUInt16LE(channels, 22);
  head.writeUInt32LE(rate, 24);
  head.writeUInt32LE(rate * channels * 2, 28);
  head.writeUInt16LE(channels * 2, 32);
  head.writeUInt16LE(16, 34);
  head.write('data', 36);
  head.writeUInt32LE(pcm.length, 40);
  return Buffer.concat([head, pcm]);
}

/** {rate, channels, bits, pcm}; throws where it is none. */
export function parseWav(bytes) {
  const file = Buffer.from(bytes);
  if (file.toString('latin1', 0, 4) !== 'RIFF' || file.toString('latin1', 8, 16) !== 'WAVEfmt ')
    throw new Error('not a WAV file');
  if (file.readUInt32LE(4) !== file.length - 8) throw new Error('its length is another than it says');
  return {
    channels: file.readUInt16LE(22),
    rate: file.readUInt32LE(24),
    bits: file.readUInt16LE(34),
    pcm: file.subarray(44, 44 + file.readUInt32LE(40)),
  };
}
