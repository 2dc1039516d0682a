// SPDX-License-Identifier: Apache-2.0
//
// From detections in pixels of the picture to rectangles in pixels of the screen.

export interface Size {
  readonly width: number;
  readonly height: number;
}

export interface Rect extends Size {
  readonly x: number;
  readonly y: number;
}

/** A detection as the wire carries it: corners in pixels of the picture, or as fractions of it. */
export interface Detection {
  readonly className: string;
  readonly confidence: number;
  readonly xMin?: bigint | undefined;
  readonly yMin?: bigint | undefined;
  readonly xMax?: bigint | undefined;
  readonly yMax?: bigint | undefined;
  readonly xMinNormalized?: number | undefined;
  readonly yMinNormalized?: number | undefined;
  readonly xMaxNormalized?: number | undefined;
  readonly yMaxNormalized?: number | undefined;
}

/** A box in pixels of the picture. */
export interface Box extends Rect {
  readonly label: string;
  readonly confidence: number;
}

/** A detection without a usable box (nothing that could be drawn) is null. */
export function toBox(detection: Detection, picture: Size): Box | null {
  const corner = (pixels?: bigint, fraction?: number, extent = 0): number | null =>
    pixels !== undefined ? Number(pixels) : fraction !== undefined ? fraction * extent : null;
  const x0 = corner(detection.xMin, detection.xMinNormalized, picture.width);
  const y0 = corner(detection.yMin, detection.yMinNormalized, picture.height);
  const x1 = corner(detection.xMax, detection.xMaxNormalized, picture.width);
  const y1 = corner(detection.yMax, detection.yMaxNormalized, picture.height);
  if (x0 === null || y0 === null || x1 === null || y1 === null) return null;
  const x = clamp(Math.min(x0, x1), 0, picture.width);
  const y = clamp(Math.min(y0, y1), 0, picture.height);
  const width = clamp(Math.max(x0, x1), 0, picture.width) - x;
  const height = clamp(Math.max(y0, y1), 0, picture.height) - y;
  if (!(width > 0 && height > 0)) return null;
  return { x, y, width, height, label: detection.className, confidence: detection.confidence };
}

export function scaleRect(rect: Rect, from: Size, to: Size): Rect {
  const sx = to.width / from.width;
  const sy = to.height / from.height;
  return { x: rect.x * sx, y: rect.y * sy, width: rect.width * sx, height: rect.height * sy };
}

/** What the slider lets through, best first; equal confidences keep the order of the service. */
export function atLeast<T extends { readonly confidence: number }>(
  found: readonly T[],
  threshold: number,
): T[] {
  return found
    .filter((one) => one.confidence >= threshold)
    .sort((a, b) => b.confidence - a.confidence);
}

/** Where a label of `text` size goes: above its box, inside where there is no room, never outside. */
export function placeLabel(box: Rect, text: Size, canvas: Size): { x: number; y: number } {
  const above = box.y - text.height;
  return {
    x: clamp(box.x, 0, Math.max(0, canvas.width - text.width)),
    y: clamp(above >= 0 ? above : box.y, 0, Math.max(0, canvas.height - text.height)),
  };
}

/** One hue for each label, the same in every session: far apart for similar names. */
export function hueOf(label: string): number {
  let hash = 2166136261;
  for (const char of label) hash = Math.imul(hash ^ (char.codePointAt(0) ?? 0), 16777619);
  // Multiples of the golden angle spread neighbouring hashes over the whole circle.
  return Math.round(((hash >>> 0) % 1024) * 137.508) % 360;
}

/** "2 Person, 1 Car": what a person who does not see the picture is told. */
export function describe(found: readonly { readonly label: string }[]): string {
  if (found.length === 0) return 'nothing found';
  const counts = new Map<string, number>();
  for (const { label } of found) counts.set(label, (counts.get(label) ?? 0) + 1);
  return [...counts].map(([label, count]) => `${count} ${label}`).join(', ');
}

function clamp(value: number, low: number, high: number): number {
  return Math.min(Math.max(value, low), high);
}
