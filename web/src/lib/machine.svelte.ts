// SPDX-License-Identifier: Apache-2.0
//
// The connection to the machine that served this page, and what it says about itself. Calls are
// plain requests, so a restarted machine needs no new connection: the next request just works.
import { RobotClient, type Credential } from '@viamrobotics/sdk';
import { toResources, type Resource } from './resources';
import { retryDelay, toTrouble, type Trouble } from './retry';

const REFRESH_MS = 2000;
const STORAGE_KEY = 'bowerbird.key';

export type Link = 'connecting' | 'connected' | 'lost' | 'locked';

export class Machine {
  link = $state<Link>('connecting');
  /** Why the link is not up, in the words of the machine or the browser. */
  trouble = $state('');
  resources = $state.raw<readonly Resource[]>([]);
  version = $state('');
  robot = $state.raw<RobotClient | null>(null);

  #credential: Credential | null = stored();
  #attempt = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #stopped = false;

  constructor(private readonly host: string) {}

  start(): void {
    this.#stopped = false;
    void this.#refresh();
  }

  stop(): void {
    this.#stopped = true;
    clearTimeout(this.#timer);
  }

  /** Tries a key; it is kept for this tab only. */
  unlock(id: string, key: string): void {
    this.#credential = { type: 'api-key', authEntity: id, payload: key };
    store(this.#credential);
    this.robot = null;
    this.link = 'connecting';
    this.#attempt = 0;
    this.#soon(0);
  }

  /** For calls made by others on `robot`: what went wrong there concerns the link too. */
  report(trouble: Trouble): void {
    if (trouble.kind === 'refused' || this.link === 'lost' || this.link === 'locked') return;
    this.#fall(trouble);
  }

  async #refresh(): Promise<void> {
    try {
      const robot = this.robot ?? (await this.#connect());
      const status = await robot.getMachineStatus();
      if (this.#stopped) return;
      this.resources = toResources(status.resources);
      if (this.link !== 'connected') this.version = (await robot.getVersion()).version;
      this.robot = robot;
      this.link = 'connected';
      this.trouble = '';
      this.#attempt = 0;
      this.#soon(REFRESH_MS);
    } catch (error) {
      if (!this.#stopped) this.#fall(toTrouble(error));
    }
  }

  // `connect` rather than `dial`: dial refuses every host without "local" in its name, and a page
  // talks to the host that served it, whatever its name.
  async #connect(): Promise<RobotClient> {
    const robot = new RobotClient(
      this.host,
      undefined,
      { disabled: true }, // nothing here moves
      { noReconnect: true }, // this class does that
    );
    await robot.connect(this.#credential ? { creds: this.#credential } : {});
    return robot;
  }

  #fall(trouble: Trouble): void {
    this.trouble = trouble.message;
    if (trouble.kind === 'locked' && this.#credential !== null && this.link === 'connected') {
      // A token that ran out or was withdrawn; the key behind it may still be good.
      this.robot = null;
      this.link = 'connecting';
      this.#soon(0);
      return;
    }
    if (trouble.kind === 'locked') {
      // Without a key there is nothing to explain: the form asks for one.
      if (this.#credential === null) this.trouble = '';
      this.#credential = null;
      store(null);
      this.robot = null;
      this.link = 'locked';
      clearTimeout(this.#timer);
      return;
    }
    this.link = 'lost';
    this.#soon(retryDelay(this.#attempt++));
  }

  #soon(delay: number): void {
    clearTimeout(this.#timer);
    if (!this.#stopped) this.#timer = setTimeout(() => void this.#refresh(), delay);
  }
}

function stored(): Credential | null {
  try {
    const found: unknown = JSON.parse(sessionStorage.getItem(STORAGE_KEY) ?? 'null');
    return found as Credential | null;
  } catch {
    return null;
  }
}

function store(credential: Credential | null): void {
  try {
    if (credential === null) sessionStorage.removeItem(STORAGE_KEY);
    else sessionStorage.setItem(STORAGE_KEY, JSON.stringify(credential));
  } catch {
    // A browser that keeps nothing asks again after a reload.
  }
}
