// SPDX-License-Identifier: Apache-2.0
//
// A picture of a camera as something a canvas can draw.

/** JPEG, PNG and what else the browser knows, and raw RGBA. The caller closes the bitmap. */
export async function decodePicture(bytes: Uint8Array, mimeType: string): Promise<ImageBitmap> {
  const [type = ''] = mimeType.split('+'); // "+lazy" concerns servers only
  if (bytes.length === 0) throw new Error('the camera sent an empty picture');
  if (type === 'image/vnd.viam.rgba') return createImageBitmap(readRawRgba(bytes));
  try {
    // Copied: the message's bytes may lie in a shared buffer, which a Blob does not take.
    return await createImageBitmap(new Blob([bytes.slice()], { type }));
  } catch {
    throw new Error(`this browser cannot show pictures of type ${type || 'unknown'}`);
  }
}

/** "RGBA", width and height as big-endian 32 bits, then four bytes a pixel. */
export function readRawRgba(bytes: Uint8Array): ImageData {
  const header = 12;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (bytes.length < header || view.getUint32(0) !== 0x52474241)
    throw new Error('raw picture without its "RGBA" header');
  const width = view.getUint32(4);
  const height = view.getUint32(8);
  const size = width * height * 4;
  if (size === 0 || bytes.length - header !== size)
    throw new Error(`raw picture of ${width}x${height} has ${bytes.length - header} bytes`);
  return new ImageData(new Uint8ClampedArray(bytes.slice(header)), width, height);
}
