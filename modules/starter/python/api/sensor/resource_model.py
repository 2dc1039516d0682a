# SPDX-License-Identifier: Apache-2.0
"""A sensor that counts how often it was read, in steps of the attribute "step"."""
import threading

from modular import from_struct, invalid, messages_of, to_struct  # noqa: F401 (the path of messages/)

from common.v1 import common_pb2


class Resource:
    @staticmethod
    def validate(attributes):
        """Names of resources that it needs, and of those that it can use; raises if something is wrong."""
        if not isinstance(attributes.get('step', 1), (int, float)):
            raise invalid('attribute "step" must be a number')
        return [], []

    def __init__(self, name, attributes, dependencies, machine):
        self.step = attributes.get('step', 1)
        self.machine = machine  # its call() reaches the other resources of the machine
        self.count = 0
        self.lock = threading.Lock()  # calls come from several threads

    def GetReadings(self, request):
        with self.lock:
            self.count += self.step
            response = common_pb2.GetReadingsResponse()
            response.readings['count'].number_value = self.count
            return response

    def DoCommand(self, request):
        with self.lock:
            if from_struct(request.command).get('reset'):
                self.count = 0
            return common_pb2.DoCommandResponse(result=to_struct({'count': self.count}))
