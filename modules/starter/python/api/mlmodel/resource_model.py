# SPDX-License-Identifier: Apache-2.0
"""A model that multiplies what it is given by the attribute "factor": float32 in and out, of any shape."""
from modular import invalid

from service.mlmodel.v1 import mlmodel_pb2


class Resource:
    @staticmethod
    def validate(attributes):
        """Names of resources that it needs, and of those that it can use; raises if something is wrong."""
        if not isinstance(attributes.get('factor', 1), (int, float)):
            raise invalid('attribute "factor" must be a number')
        return [], []

    def __init__(self, name, attributes, dependencies, machine):
        self.name = name
        self.factor = attributes.get('factor', 1)

    def Metadata(self, request):
        response = mlmodel_pb2.MetadataResponse()
        response.metadata.name = self.name
        response.metadata.input_info.add(name='x', data_type='float32', shape=[-1])
        response.metadata.output_info.add(name='y', data_type='float32', shape=[-1])
        return response

    def Infer(self, request):
        if not request.input_tensors.tensors['x'].HasField('float_tensor'):
            raise invalid('the tensor "x" of float32 is missing')
        given = request.input_tensors.tensors['x']
        response = mlmodel_pb2.InferResponse()
        out = response.output_tensors.tensors['y']
        out.shape.extend(given.shape)
        out.float_tensor.data.extend(self.factor * value for value in given.float_tensor.data)
        return response
