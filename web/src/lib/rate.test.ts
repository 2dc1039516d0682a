// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest';
import { Rate, Smoothed } from './rate';

describe('Rate', () => {
  it('measures a steady stream', () => {
    const rate = new Rate();
    for (let now = 0; now <= 1000; now += 100) rate.add(now);
    expect(rate.perSecond(1000)).toBeCloseTo(10, 6);
    expect(rate.perSecond(1050)).toBeCloseTo(10, 6);
  });

  it('says nothing before there are two events', () => {
    const rate = new Rate();
    expect(rate.perSecond(0)).toBe(0);
    rate.add(0);
    expect(rate.perSecond(10)).toBe(0);
  });

  it('falls while nothing comes and ends at 0', () => {
    const rate = new Rate(2000);
    for (let now = 0; now <= 1000; now += 100) rate.add(now);
    expect(rate.perSecond(1800)).toBeLessThan(7);
    expect(rate.perSecond(3500)).toBe(0);
  });

  it('forgets what is older than its window', () => {
    const rate = new Rate(1000);
    for (let now = 0; now <= 1000; now += 10) rate.add(now);
    for (let now = 1100; now <= 3000; now += 100) rate.add(now);
    expect(rate.perSecond(3000)).toBeCloseTo(10, 6);
  });
});

describe('Smoothed', () => {
  it('starts with the first value', () => {
    expect(new Smoothed().add(7, 123)).toBe(7);
  });

  it('goes half the way in one half-life, in one step or in ten', () => {
    const once = new Smoothed(500);
    once.add(0, 0);
    expect(once.add(10, 500)).toBeCloseTo(5, 6);
    const often = new Smoothed(500);
    often.add(0, 0);
    for (let now = 50; now <= 500; now += 50) often.add(10, now);
    expect(often.value).toBeCloseTo(5, 6);
  });

  it('starts anew after clear', () => {
    const value = new Smoothed();
    value.add(100, 0);
    value.clear();
    expect(value.value).toBeNull();
    expect(value.add(1, 1)).toBe(1);
  });
});
