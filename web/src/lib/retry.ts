// SPDX-License-Identifier: Apache-2.0
//
// How long to wait before the next attempt, and what an error means for a person.
import { Code, ConnectError } from '@viamrobotics/sdk';

/** 0.5 s, 1 s, 2 s, 4 s, then 5 s: quick after a restart, quiet while a machine is off. */
export function retryDelay(attempt: number): number {
  return Math.min(500 * 2 ** attempt, 5000);
}

// The codes under which the transport reports failures of its own.
const TRANSPORT: readonly Code[] = [Code.Unknown, Code.Internal, Code.Aborted];

export type Trouble =
  | { readonly kind: 'locked'; readonly message: string } // a key is needed, or was refused
  | { readonly kind: 'lost'; readonly message: string } // nobody answers: try again
  | { readonly kind: 'refused'; readonly message: string }; // answered with an error

export function toTrouble(error: unknown): Trouble {
  if (error instanceof ConnectError) {
    const message = error.rawMessage;
    if (error.code === Code.Unauthenticated) return { kind: 'locked', message };
    if (error.code === Code.Unavailable || error.code === Code.DeadlineExceeded)
      return { kind: 'lost', message };
    // A proxy or a dying server answers with no gRPC status at all, or the fetch itself fails.
    if (TRANSPORT.includes(error.code) && /fetch|network|missing trailer|HTTP \d/i.test(message))
      return { kind: 'lost', message };
    return { kind: 'refused', message };
  }
  return { kind: 'lost', message: error instanceof Error ? error.message : String(error) };
}
