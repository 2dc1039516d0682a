#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""The module of gizmo.py, spoilt: what ROGUE names goes wrong.

  lies      names APIs that make no sense, and one that it does not serve
  garbage   answers with bytes that are no message, and with tensors and pictures that are none
  validate  never answers ValidateConfig        add  never answers AddResource
  daemon    starts a process, sleep SLEEP, that leaves its group and forgets its parent
  talk      writes to the machine's log without end, by RobotService.Log
"""
import os
import sys
import threading
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import gizmo
import grpc
from common.v1 import common_pb2
from component.camera.v1 import camera_pb2
from google.protobuf import timestamp_pb2
from module.v1 import module_pb2
from robot.v1 import robot_pb2
from service.mlmodel.v1 import mlmodel_pb2

ROGUE = os.environ.get('ROGUE', '').split()
NOISE = bytes(range(255, 200, -1))


def lying_ready(request, context):
    response = gizmo.ready(request, context)
    for namespace, subtype, service, model in (
            ('rdk', 'camera', 'acme.v1.NoCamera', 'test:demo:camera'),  # another service than cameras have
            ('no such namespace', 'x', 'acme.v1.X', 'test:demo:x'),
            ('acme', 'nameless', '', 'test:demo:nameless'),
            ('acme', 'badmodel', 'acme.v1.Bad', 'not a model'),
            ('acme', 'empty', 'acme.v1.NotServed', 'test:demo:empty')):
        handler = response.handlermap.handlers.add(models=[model])
        handler.subtype.proto_service = service
        handler.subtype.subtype.namespace = namespace
        handler.subtype.subtype.type = 'component'
        handler.subtype.subtype.subtype = subtype
    return response


def camera_ready(request, context):
    response = gizmo.ready(request, context)
    handler = response.handlermap.handlers.add(models=['test:demo:camera'])
    handler.subtype.proto_service = 'viam.component.camera.v1.CameraService'
    handler.subtype.subtype.namespace = 'rdk'
    handler.subtype.subtype.type = 'component'
    handler.subtype.subtype.subtype = 'camera'
    return response


def noise(request_type):
    return grpc.unary_unary_rpc_method_handler(
        lambda request, context: NOISE, request_deserializer=request_type.FromString,
        response_serializer=lambda answer: answer)


def wrong_tensors(request, context):
    response = mlmodel_pb2.InferResponse()
    tensor = response.output_tensors.tensors['y']
    tensor.shape.extend([1 << 40, 3])
    tensor.float_tensor.data.extend([1.0])
    response.output_tensors.tensors['unheard of'].int8_tensor.data = NOISE
    return response


def no_pictures(request, context):
    response = camera_pb2.GetImagesResponse()
    response.images.add(source_name='', mime_type='image/jpeg', image=NOISE)
    response.response_metadata.captured_at.CopyFrom(timestamp_pb2.Timestamp(seconds=-1 << 60))
    return response


def hang(request, context):
    time.sleep(600)


def talk():
    call = gizmo.parent.unary_unary(
        '/viam.robot.v1.RobotService/Log',
        request_serializer=lambda message: message.SerializeToString(),
        response_deserializer=robot_pb2.LogResponse.FromString)
    number = 0
    while True:
        request = robot_pb2.LogRequest()
        request.logs.add(logger_name='talker', level='info', message=f'talk {number}')
        number += 1
        try:
            call(request, timeout=5)
        except grpc.RpcError:
            return


def daemon():
    if os.fork() == 0:
        os.setsid()
        if os.fork() == 0:
            os.execvp('sleep', ['sleep', os.environ['SLEEP']])
        os._exit(0)
    os.wait()


def handlers():
    module, sensor, model = {}, {}, {}
    module['Ready'] = gizmo.unary(lying_ready if 'lies' in ROGUE else camera_ready, module_pb2.ReadyRequest)
    if 'garbage' in ROGUE:
        sensor['GetReadings'] = noise(common_pb2.GetReadingsRequest)
        model['Infer'] = gizmo.unary(wrong_tensors, mlmodel_pb2.InferRequest)
    if 'validate' in ROGUE:
        module['ValidateConfig'] = gizmo.unary(hang, module_pb2.ValidateConfigRequest)
    if 'add' in ROGUE:
        module['AddResource'] = gizmo.unary(hang, module_pb2.AddResourceRequest)
    return (
        grpc.method_handlers_generic_handler('viam.module.v1.ModuleService', module),
        grpc.method_handlers_generic_handler('viam.component.sensor.v1.SensorService', sensor),
        grpc.method_handlers_generic_handler('viam.service.mlmodel.v1.MLModelService', model),
        grpc.method_handlers_generic_handler('viam.component.camera.v1.CameraService', {
            'GetImages': gizmo.unary(no_pictures, camera_pb2.GetImagesRequest)}),
    )


if __name__ == '__main__':
    if 'daemon' in ROGUE:
        daemon()
    if 'talk' in ROGUE:
        original = gizmo.ready

        def ready_and_talk(request, context):
            response = original(request, context)
            threading.Thread(target=talk, daemon=True).start()
            return response
        gizmo.ready = ready_and_talk
    gizmo.spoilt = handlers()
    gizmo.main()
