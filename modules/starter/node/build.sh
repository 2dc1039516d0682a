#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Gets what the module needs, and packs @NAME@.tar.gz.
set -e
cd "$(dirname "$0")"
[ -d node_modules ] || npm install --ignore-scripts --no-audit --no-fund
tar --dereference -czf @NAME@.tar.gz meta.json package.json main.mjs module.mjs resource.mjs proto node_modules
