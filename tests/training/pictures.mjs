// SPDX-License-Identifier: Apache-2.0
//
// Pictures of two things that a model can learn to tell apart in seconds: a red disc or a blue
// square, somewhere on gray noise.
import { painted } from '../data/pictures.mjs';

const SIZE = 96;

/** The same numbers for the same seed (Park and Miller's generator). */
function random(seed) {
  let state = (seed * 7919 + 1) % 2147483647;
  return () => {
    state = (state * 48271) % 2147483647;
    return state / 2147483647;
  };
}

/** `kind`: 'disc' or 'square'. Gives the PNG and the box of the thing in shares of the picture. */
export function picture(kind, seed) {
  const next = random(seed + (kind === 'disc' ? 0 : 100_000));
  const radius = 12 + Math.floor(next() * 14);
  const place = () => radius + 1 + Math.floor(next() * (SIZE - 2 * radius - 2));
  const [cx, cy] = [place(), place()];
  const color = kind === 'disc' ? [200, 40, 30] : [30, 60, 210];
  const inside = (x, y) =>
    kind === 'disc'
      ? (x - cx) ** 2 + (y - cy) ** 2 <= radius ** 2
      : Math.max(Math.abs(x - cx), Math.abs(y - cy)) <= radius;
  const png = painted(SIZE, SIZE, (x, y) => {
    const gray = 90 + Math.floor(next() * 60);
    return inside(x, y) ? color : [gray, gray, gray];
  });
  const share = (value) => value / SIZE;
  return {
    png: new Uint8Array(png),
    box: {
      xMin: share(cx - radius),
      yMin: share(cy - radius),
      xMax: share(cx + radius),
      yMax: share(cy + radius),
    },
  };
}
