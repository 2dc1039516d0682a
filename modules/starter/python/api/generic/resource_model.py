# SPDX-License-Identifier: Apache-2.0
"""Takes the command {"add": [1, 2]} and answers {"sum": 3}, plus the attribute "offset"."""
from modular import from_struct, invalid, to_struct

from common.v1 import common_pb2


class Resource:
    @staticmethod
    def validate(attributes):
        """Names of resources that it needs, and of those that it can use; raises if something is wrong."""
        if not isinstance(attributes.get('offset', 0), (int, float)):
            raise invalid('attribute "offset" must be a number')
        return [], []

    def __init__(self, name, attributes, dependencies, machine):
        self.offset = attributes.get('offset', 0)
        self.machine = machine  # its call() reaches the other resources of the machine

    def DoCommand(self, request):
        numbers = from_struct(request.command).get('add')
        if not isinstance(numbers, list) or not all(isinstance(one, (int, float)) for one in numbers):
            raise invalid('the command must be {"add": [numbers]}')
        return common_pb2.DoCommandResponse(result=to_struct({'sum': self.offset + sum(numbers)}))
