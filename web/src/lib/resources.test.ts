// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest';
import { choose, readyNames, toResources } from './resources';

const named = (type: string, subtype: string, name: string, namespace = 'rdk') => ({
  namespace,
  type,
  subtype,
  name,
});

describe('toResources', () => {
  it('sorts by API and name and leaves the machinery out', () => {
    const resources = toResources([
      { name: named('service', 'vision', 'people'), state: 3, error: '' },
      { name: named('service', 'framesystem', 'x', 'rdk-internal'), state: 3, error: '' },
      { name: undefined, state: 3, error: '' },
      { name: named('component', 'camera', 'street'), state: 5, error: 'no such file' },
    ]);
    expect(resources.map((one) => one.id)).toEqual([
      'rdk:component:camera/street',
      'rdk:service:vision/people',
    ]);
    expect(resources[0]).toMatchObject({ state: 'unhealthy', error: 'no such file' });
  });

  it('survives a state that a later server may add', () => {
    const [one] = toResources([{ name: named('component', 'camera', 'a'), state: 42, error: '' }]);
    expect(one?.state).toBe('unknown');
  });
});

describe('readyNames and choose', () => {
  const resources = toResources([
    { name: named('component', 'camera', 'b'), state: 3, error: '' },
    { name: named('component', 'camera', 'a'), state: 2, error: '' },
    { name: named('component', 'camera', 'c'), state: 3, error: '' },
  ]);

  it('offers only what is ready', () => {
    expect(readyNames(resources, 'camera')).toEqual(['b', 'c']);
  });

  it('keeps a wish that can be met and falls back to the first', () => {
    expect(choose('c', ['b', 'c'])).toBe('c');
    expect(choose('gone', ['b', 'c'])).toBe('b');
    expect(choose('gone', [])).toBe('');
  });
});
