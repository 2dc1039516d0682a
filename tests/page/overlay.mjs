// SPDX-License-Identifier: Apache-2.0
//
// What is drawn over the picture, read from the canvas as a person would see it.

/** Null where nothing is drawn; else the outline of everything drawn, and a fingerprint of it. */
export function readOverlay(page) {
  return page.evaluate(() => {
    const canvas = document.querySelector('canvas.boxes');
    if (!canvas || canvas.width === 0) return null;
    const { data } = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);
    let left = Infinity;
    let top = Infinity;
    let right = -1;
    let bottom = -1;
    let hash = 0;
    for (let at = 3, pixel = 0; at < data.length; at += 4, pixel++) {
      if (data[at] === 0) continue;
      const x = pixel % canvas.width;
      const y = (pixel - x) / canvas.width;
      left = Math.min(left, x);
      right = Math.max(right, x);
      top = Math.min(top, y);
      bottom = Math.max(bottom, y);
      hash = (Math.imul(hash, 31) + pixel) | 0;
    }
    return right < 0 ? null : { left, top, right, bottom, hash };
  });
}

/** Whether the picture under the boxes has more than one colour. */
export function pictureHasContent(page) {
  return page.evaluate(() => {
    const canvas = document.querySelector('canvas.pixels');
    if (!canvas || canvas.width === 0) return false;
    const { data } = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);
    for (let at = 4; at < data.length; at += 4) if (data[at] !== data[0]) return true;
    return false;
  });
}
