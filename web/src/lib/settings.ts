// SPDX-License-Identifier: Apache-2.0
//
// What a person chose, kept in this browser. A browser that keeps nothing is fine.

export interface Settings {
  camera: string;
  vision: string;
  confidence: number;
}

/** The vision choice "the picture alone"; no service can have this name. */
export const PICTURE_ONLY = ':none';

const KEY = 'bowerbird.settings';
const DEFAULTS: Settings = { camera: '', vision: '', confidence: 0.4 };

export function loadSettings(storage?: Pick<Storage, 'getItem'>): Settings {
  try {
    const found: unknown = JSON.parse((storage ?? localStorage).getItem(KEY) ?? '{}');
    if (typeof found !== 'object' || found === null) return { ...DEFAULTS };
    const { camera, vision, confidence } = found as Record<string, unknown>;
    return {
      camera: typeof camera === 'string' ? camera : DEFAULTS.camera,
      vision: typeof vision === 'string' ? vision : DEFAULTS.vision,
      confidence:
        typeof confidence === 'number' && confidence >= 0 && confidence <= 1
          ? confidence
          : DEFAULTS.confidence,
    };
  } catch {
    return { ...DEFAULTS };
  }
}

export function saveSettings(settings: Settings, storage?: Pick<Storage, 'setItem'>): void {
  try {
    (storage ?? localStorage).setItem(KEY, JSON.stringify(settings));
  } catch {
    // Private windows may refuse; the choice then lasts as long as the page.
  }
}
