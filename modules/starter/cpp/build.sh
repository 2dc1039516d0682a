#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Builds the module, and packs @NAME@.tar.gz.
# Needs g++ cmake pkg-config libgrpc++-dev libprotobuf-dev protobuf-compiler.
set -e
cd "$(dirname "$0")"
[ -f build/CMakeCache.txt ] || cmake -S . -B build
cmake --build build --parallel "${JOBS:-$(nproc)}"
cp build/@NAME@ @NAME@
tar -czf @NAME@.tar.gz meta.json @NAME@
