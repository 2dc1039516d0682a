# SPDX-License-Identifier: Apache-2.0
import unittest

from testing import RunningModule
from modular import to_struct

import grpc


class ResourceTest(unittest.TestCase):
    def setUp(self):
        self.module = RunningModule()
        self.addCleanup(self.module.stop)

    def test_it_adds_what_it_is_told_to(self):
        self.module.add({'offset': 10})
        answer = self.module.call('DoCommand', command=to_struct({'add': [1, 2]}))
        self.assertEqual(13, answer.result['sum'])

    def test_it_refuses_other_commands_and_wrong_attributes(self):
        self.module.add({})
        with self.assertRaises(grpc.RpcError) as refused:
            self.module.call('DoCommand', command=to_struct({'add': 'x'}))
        self.assertIn('the command must be', refused.exception.details())
        with self.assertRaises(grpc.RpcError) as refused:
            self.module.validate({'offset': 'x'})
        self.assertIn('"offset" must be a number', refused.exception.details())
