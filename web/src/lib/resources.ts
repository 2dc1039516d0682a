// SPDX-License-Identifier: Apache-2.0
//
// The machine's resources as the page shows them, from GetMachineStatus.

export type State = 'unknown' | 'unconfigured' | 'configuring' | 'ready' | 'removing' | 'unhealthy';

// By number, as on the wire.
const STATES: readonly State[] = [
  'unknown',
  'unconfigured',
  'configuring',
  'ready',
  'removing',
  'unhealthy',
];

export interface Resource {
  /** "rdk:component:camera/street", unique on the machine. */
  readonly id: string;
  /** "camera" or "vision". */
  readonly subtype: string;
  /** "component" or "service". */
  readonly kind: string;
  readonly name: string;
  readonly state: State;
  /** Why it is not ready; "" if it is. */
  readonly error: string;
}

export interface WireStatus {
  readonly name?:
    | { namespace: string; type: string; subtype: string; name: string }
    | undefined;
  readonly state: number;
  readonly error: string;
}

/** Sorted by API, then by name. What belongs to the machine's own machinery is left out. */
export function toResources(statuses: readonly WireStatus[]): Resource[] {
  const resources: Resource[] = [];
  for (const { name, state, error } of statuses) {
    if (name === undefined || name.namespace === 'rdk-internal') continue;
    resources.push({
      id: `${name.namespace}:${name.type}:${name.subtype}/${name.name}`,
      subtype: name.subtype,
      kind: name.type,
      name: name.name,
      state: STATES[state] ?? 'unknown',
      error,
    });
  }
  return resources.sort((a, b) => (a.id < b.id ? -1 : a.id > b.id ? 1 : 0));
}

/** Names of what can be used now. */
export function readyNames(resources: readonly Resource[], subtype: string): string[] {
  return resources
    .filter((resource) => resource.subtype === subtype && resource.state === 'ready')
    .map((resource) => resource.name);
}

/** Keeps the wish while it can be met, else takes the first that can; "" if there is none. */
export function choose(wish: string, names: readonly string[]): string {
  return names.includes(wish) ? wish : (names[0] ?? '');
}
