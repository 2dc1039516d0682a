#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# libtorch is 200 MB and comes from the distribution, not in the archive: said before the first start.
cd "$(dirname "$0")" || exit 1
missing=$(ldd ./torch-module | sed -n 's/^[[:space:]]*\([^ ]*\) => not found.*/\1/p' | tr '\n' ' ')
[ -z "$missing" ] && exit 0
echo "libraries are missing: ${missing}- install them: apt-get install libtorch1.13 libgrpc++1.51" >&2
exit 1
