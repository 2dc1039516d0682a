// SPDX-License-Identifier: Apache-2.0
import { describe as suite, expect, it } from 'vitest';
import { atLeast, describe, hueOf, placeLabel, scaleRect, toBox } from './boxes';

const picture = { width: 640, height: 480 };

suite('toBox', () => {
  it('takes the pixel corners as they are', () => {
    const box = toBox(
      { className: 'Person', confidence: 0.6, xMin: 10n, yMin: 20n, xMax: 110n, yMax: 220n },
      picture,
    );
    expect(box).toEqual({ label: 'Person', confidence: 0.6, x: 10, y: 20, width: 100, height: 200 });
  });

  it('prefers pixels over fractions, as the two differ by rounding', () => {
    const box = toBox(
      { className: 'a', confidence: 1, xMin: 1n, yMin: 1n, xMax: 3n, yMax: 3n, xMinNormalized: 0.5 },
      picture,
    );
    expect(box?.x).toBe(1);
  });

  it('uses fractions where a service sends no pixels', () => {
    const box = toBox(
      {
        className: 'a',
        confidence: 1,
        xMinNormalized: 0.25,
        yMinNormalized: 0.5,
        xMaxNormalized: 0.75,
        yMaxNormalized: 1,
      },
      picture,
    );
    expect(box).toMatchObject({ x: 160, y: 240, width: 320, height: 240 });
  });

  it('cuts a box at the borders of the picture and turns swapped corners round', () => {
    const box = toBox(
      { className: 'a', confidence: 1, xMin: 700n, yMin: 100n, xMax: 600n, yMax: -50n },
      picture,
    );
    expect(box).toMatchObject({ x: 600, y: 0, width: 40, height: 100 });
  });

  it('gives nothing for a detection without a box or with an empty one', () => {
    expect(toBox({ className: 'a', confidence: 1 }, picture)).toBeNull();
    expect(
      toBox({ className: 'a', confidence: 1, xMin: 5n, yMin: 5n, xMax: 5n, yMax: 9n }, picture),
    ).toBeNull();
  });
});

suite('scaleRect', () => {
  it('scales each axis by its own factor', () => {
    const rect = { x: 64, y: 48, width: 128, height: 96 };
    expect(scaleRect(rect, picture, { width: 320, height: 960 })).toEqual({
      x: 32,
      y: 96,
      width: 64,
      height: 192,
    });
  });
});

suite('atLeast', () => {
  it('keeps the threshold itself and puts the best first', () => {
    const found = [{ confidence: 0.4 }, { confidence: 0.9 }, { confidence: 0.39 }];
    expect(atLeast(found, 0.4)).toEqual([{ confidence: 0.9 }, { confidence: 0.4 }]);
  });
});

suite('placeLabel', () => {
  const text = { width: 100, height: 20 };

  it('stands on top of the box', () => {
    expect(placeLabel({ x: 50, y: 60, width: 10, height: 10 }, text, picture)).toEqual({
      x: 50,
      y: 40,
    });
  });

  it('moves inside where there is no room above, and never leaves the picture', () => {
    expect(placeLabel({ x: 600, y: 5, width: 10, height: 10 }, text, picture)).toEqual({
      x: 540,
      y: 5,
    });
  });
});

suite('hueOf', () => {
  it('gives a label the same hue every time and different labels different hues', () => {
    expect(hueOf('Person')).toBe(hueOf('Person'));
    const hues = new Set(['Person', 'Car', 'Dog', 'Cat', 'Book', 'Chair'].map(hueOf));
    expect(hues.size).toBe(6);
    for (const hue of hues) expect(hue >= 0 && hue < 360).toBe(true);
  });
});

suite('describe', () => {
  it('counts what was found by label', () => {
    const found = [{ label: 'Person' }, { label: 'Car' }, { label: 'Person' }];
    expect(describe(found)).toBe('2 Person, 1 Car');
    expect(describe([])).toBe('nothing found');
  });
});
