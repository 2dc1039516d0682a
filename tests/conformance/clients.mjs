// SPDX-License-Identifier: Apache-2.0
//
// The SDK in Node.js, over native gRPC or gRPC-Web, and bare transports for what the SDK hides.
import { createGrpcTransport, createGrpcWebTransport } from '@connectrpc/connect-node';
import { createGrpcWebTransport as createFetchTransport } from '@connectrpc/connect-web';
import * as sdk from '@viamrobotics/sdk';

export { sdk };

// The SDK tells every failed attempt to connect at length; here most fail on purpose.
console.debug = () => {};

// A call that is never answered fails the test rather than stop the suite.
const defaultTimeoutMs = 30_000;

export const TRANSPORTS = {
  // One frame a message: the default splits large ones so finely that it becomes the bottleneck.
  grpc: (options) =>
    createGrpcTransport({
      httpVersion: '2',
      nodeOptions: { settings: { maxFrameSize: 1 << 20 } },
      defaultTimeoutMs,
      ...options,
    }),
  // What a browser uses, on Node's fetch.
  'grpc-web': (options) => createFetchTransport({ defaultTimeoutMs, ...options }),
};

/** `credential`: {type, authEntity, payload} or nothing. */
export async function dial(url, transport, credential) {
  globalThis.VIAM = { GRPC_TRANSPORT_FACTORY: TRANSPORTS[transport] };
  return new sdk.RobotClient().dial({
    host: url,
    noReconnect: true,
    disableSessions: true,
    ...(credential ? { credentials: credential } : {}),
  });
}

export function grpc(url, options = {}) {
  return createGrpcTransport({ httpVersion: '2', baseUrl: url, defaultTimeoutMs, ...options });
}

export function grpcWeb(url, options = {}) {
  return createGrpcWebTransport({ httpVersion: '1.1', baseUrl: url, defaultTimeoutMs, ...options });
}
