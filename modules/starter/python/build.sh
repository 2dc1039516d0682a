#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Makes messages/ out of proto/, and packs @NAME@.tar.gz.
# Needs protoc; here and where it runs python3-grpcio and python3-protobuf.
set -e
cd "$(dirname "$0")"
mkdir -p messages
find proto -name '*.proto' | sed 's|^proto/||' | (cd proto && xargs protoc -I. --python_out=../messages)
tar -czf @NAME@.tar.gz meta.json main.py modular.py resource_model.py messages
