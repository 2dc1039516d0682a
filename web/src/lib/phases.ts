// SPDX-License-Identifier: Apache-2.0
//
// Where the time of one answer went, as the machine measured it: `extra.milliseconds` of
// CaptureAllFromCamera. Machines that do not measure send none.

export const PHASES = ['decode', 'resize', 'queue', 'invoke', 'postprocess', 'encode'] as const;
export type Phase = (typeof PHASES)[number];
export type PhaseTimes = Readonly<Record<Phase, number>>;

/** `extra` as JSON. Null unless at least one phase is there; phases that are not count as 0. */
export function phaseTimes(extra: unknown): PhaseTimes | null {
  if (!isObject(extra) || !isObject(extra['milliseconds'])) return null;
  const sent = extra['milliseconds'];
  const times = Object.fromEntries(PHASES.map((phase) => [phase, milliseconds(sent[phase])]));
  return PHASES.some((phase) => typeof sent[phase] === 'number') ? (times as PhaseTimes) : null;
}

export function total(times: PhaseTimes): number {
  return PHASES.reduce((sum, phase) => sum + times[phase], 0);
}

/** "0.04 ms", "3.2 ms", "123 ms": two digits that mean something, no more. */
export function formatMilliseconds(value: number): string {
  const digits = value >= 100 ? 0 : value >= 1 ? 1 : 2;
  return `${value.toFixed(digits)} ms`;
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function milliseconds(value: unknown): number {
  return typeof value === 'number' && Number.isFinite(value) && value > 0 ? value : 0;
}
