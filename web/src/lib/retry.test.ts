// SPDX-License-Identifier: Apache-2.0
import { Code, ConnectError } from '@viamrobotics/sdk';
import { describe, expect, it } from 'vitest';
import { retryDelay, toTrouble } from './retry';

describe('retryDelay', () => {
  it('doubles from half a second and stops at five', () => {
    expect([0, 1, 2, 3, 4, 50].map(retryDelay)).toEqual([500, 1000, 2000, 4000, 5000, 5000]);
  });
});

describe('toTrouble', () => {
  it('asks for a key only where the machine does', () => {
    expect(toTrouble(new ConnectError('authentication required', Code.Unauthenticated))).toEqual({
      kind: 'locked',
      message: 'authentication required',
    });
  });

  it('takes silence for a lost machine', () => {
    expect(toTrouble(new ConnectError('no', Code.Unavailable)).kind).toBe('lost');
    expect(toTrouble(new ConnectError('Failed to fetch', Code.Unknown)).kind).toBe('lost');
    expect(toTrouble(new TypeError('NetworkError')).kind).toBe('lost');
  });

  it('passes an answer on, in the words of the machine', () => {
    expect(toTrouble(new ConnectError('no node found with name x', Code.Unknown))).toEqual({
      kind: 'refused',
      message: 'no node found with name x',
    });
  });
});
