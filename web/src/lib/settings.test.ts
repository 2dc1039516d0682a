// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest';
import { loadSettings, saveSettings } from './settings';

const holding = (text: string | null) => ({ getItem: () => text });

describe('settings', () => {
  it('come back as they were saved', () => {
    let kept = '';
    const settings = { camera: 'street', vision: 'people', confidence: 0.55 };
    saveSettings(settings, { setItem: (_key, value) => (kept = value) });
    expect(loadSettings(holding(kept))).toEqual(settings);
  });

  it('fall back one by one where the stored ones are damaged', () => {
    expect(loadSettings(holding('{"camera": 3, "vision": "v", "confidence": 7}'))).toEqual({
      camera: '',
      vision: 'v',
      confidence: 0.4,
    });
    for (const text of [null, '', 'null', '[', '3'])
      expect(loadSettings(holding(text)).confidence).toBe(0.4);
  });

  it('survive a storage that refuses', () => {
    const refuses = {
      setItem: () => {
        throw new DOMException('full');
      },
    };
    expect(() => saveSettings({ camera: '', vision: '', confidence: 0 }, refuses)).not.toThrow();
  });
});
