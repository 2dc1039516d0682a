# SPDX-License-Identifier: Apache-2.0
import unittest

from testing import RunningModule
from modular import to_struct

import grpc


class ResourceTest(unittest.TestCase):
    def setUp(self):
        self.module = RunningModule()
        self.addCleanup(self.module.stop)

    def test_it_counts_in_steps_and_from_0_after_a_reset(self):
        self.module.add({'step': 2})
        self.module.call('GetReadings')
        self.assertEqual(4, self.module.call('GetReadings').readings['count'].number_value)
        self.module.call('DoCommand', command=to_struct({'reset': True}))
        self.assertEqual(2, self.module.call('GetReadings').readings['count'].number_value)

    def test_it_refuses_wrong_attributes(self):
        with self.assertRaises(grpc.RpcError) as refused:
            self.module.validate({'step': 'two'})
        self.assertIn('"step" must be a number', refused.exception.details())
