#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
from modular import Module
from resource_model import Resource

module = Module()
module.add('@API@', '@MODEL@', Resource)
module.run()
