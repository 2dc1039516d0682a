// SPDX-License-Identifier: Apache-2.0
import { svelte } from '@sveltejs/vite-plugin-svelte';
import { defineConfig } from 'vitest/config';

// Where `npm run dev` finds a running machine.
const machine = process.env['BOWERBIRD_HOST'] ?? 'http://localhost:8080';

export default defineConfig({
  plugins: [svelte()],
  // Relative addresses: the page also works behind a proxy that adds a path.
  base: './',
  build: { target: 'es2022', sourcemap: false, chunkSizeWarningLimit: 1024 },
  server: { proxy: { '^/(viam|proto|grpc)\\.': { target: machine } } },
  test: { include: ['src/**/*.test.ts'] },
});
