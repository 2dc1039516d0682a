# SPDX-License-Identifier: Apache-2.0
"""The module as a machine starts it, with one resource, for its tests."""
import pathlib
import subprocess
import sys
import tempfile
import time

from modular import MODULE, APIS, service_of, target, to_struct

import grpc

API = '@API@'


class RunningModule:
    def __init__(self):
        self.folder = tempfile.TemporaryDirectory()
        socket = str(pathlib.Path(self.folder.name, 'm.sock'))
        main = pathlib.Path(__file__).resolve().parent / 'main.py'
        self.child = subprocess.Popen([sys.executable, str(main), socket])
        for _ in range(200):
            if pathlib.Path(socket).exists():
                break
            time.sleep(0.05)
        self.channel = grpc.insecure_channel(target(socket))
        self._call(MODULE, 'Ready', parent_address=socket, raw_parent_address=socket)

    def _call(self, api, method, **fields):
        service = service_of(*api)
        described = service.methods_by_name[method]
        return self.channel.unary_unary(
            f'/{service.full_name}/{method}', request_serializer=lambda message: message.SerializeToString(),
            response_deserializer=described.output_type._concrete_class.FromString)(
                described.input_type._concrete_class(**fields), timeout=10)

    def _config(self, attributes):
        return {'name': 'mine', 'api': API, 'model': '@MODEL@', 'attributes': to_struct(attributes)}

    def validate(self, attributes):
        return self._call(MODULE, 'ValidateConfig', config=self._config(attributes))

    def add(self, attributes):
        return self._call(MODULE, 'AddResource', config=self._config(attributes))

    def call(self, method, **fields):
        """A call of the API to the resource that was added."""
        return self._call(APIS[API], method, name='mine', **fields)

    def stop(self):
        self.channel.close()
        self.child.terminate()
        self.child.wait(10)
        self.folder.cleanup()
