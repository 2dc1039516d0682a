# SPDX-License-Identifier: Apache-2.0
import unittest

from testing import RunningModule

from service.mlmodel.v1 import mlmodel_pb2
import grpc


class ResourceTest(unittest.TestCase):
    def setUp(self):
        self.module = RunningModule()
        self.addCleanup(self.module.stop)

    def test_it_multiplies_and_names_its_tensors(self):
        self.module.add({'factor': 3})
        self.assertEqual('x', self.module.call('Metadata').metadata.input_info[0].name)
        tensors = mlmodel_pb2.FlatTensors()
        tensors.tensors['x'].shape.append(2)
        tensors.tensors['x'].float_tensor.data.extend([1, 2])
        answer = self.module.call('Infer', input_tensors=tensors)
        self.assertEqual([3, 6], list(answer.output_tensors.tensors['y'].float_tensor.data))

    def test_it_refuses_other_tensors_and_wrong_attributes(self):
        self.module.add({})
        with self.assertRaises(grpc.RpcError) as refused:
            self.module.call('Infer')
        self.assertIn('"x" of float32 is missing', refused.exception.details())
        with self.assertRaises(grpc.RpcError) as refused:
            self.module.validate({'factor': 'x'})
        self.assertIn('"factor" must be a number', refused.exception.details())
