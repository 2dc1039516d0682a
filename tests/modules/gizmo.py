#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""A module as an author without any SDK would write it: the wire by hand, with Debian's grpcio.

Models:
  test:demo:counter  sensor   {"count": n, "names": what the parent says it has, "seen": dependencies}
  test:demo:double   mlmodel  y = 2 x
  test:demo:gizmo    acme:component:gizmo, an API that only this module knows

It can be told to misbehave by the environment: NEVER_READY, NO_SOCKET, EXIT_AT_START, LEAVE_A_CHILD.
The command {"die": true} ends it with SIGKILL, {"freeze": true} stops it, {"hang": s} sleeps,
{"flood": n} writes n lines, {"limits": true} tells what it may use.
"""
import concurrent.futures
import os
import resource
import signal
import subprocess
import sys
import threading
import time

import grpc
from common.v1 import common_pb2
from google.protobuf import struct_pb2
from module.v1 import module_pb2
from robot.v1 import robot_pb2
from service.mlmodel.v1 import mlmodel_pb2

MODELS = {
    ('rdk', 'component', 'sensor'): ('viam.component.sensor.v1.SensorService', 'test:demo:counter'),
    ('rdk', 'service', 'mlmodel'): ('viam.service.mlmodel.v1.MLModelService', 'test:demo:double'),
    ('acme', 'component', 'gizmo'): ('acme.component.gizmo.v1.GizmoService', 'test:demo:gizmo'),
}
resources = {}
parent = None
spoilt = ()  # handlers that go before these; see rogue.py


def unary(function, request_type):
    return grpc.unary_unary_rpc_method_handler(
        function, request_deserializer=request_type.FromString,
        response_serializer=lambda message: message.SerializeToString())


def to_struct(values):
    struct = struct_pb2.Struct()
    struct.update(values)
    return struct


def parent_names():
    call = parent.unary_unary(
        '/viam.robot.v1.RobotService/ResourceNames',
        request_serializer=lambda message: message.SerializeToString(),
        response_deserializer=robot_pb2.ResourceNamesResponse.FromString)
    return sorted(name.name for name in call(robot_pb2.ResourceNamesRequest(), timeout=5).resources)


def ready(request, context):
    global parent
    if os.environ.get('NEVER_READY'):
        return module_pb2.ReadyResponse(ready=False)
    assert request.parent_address == request.raw_parent_address
    parent = grpc.insecure_channel('unix:' + request.parent_address)
    parent_names()  # as SDKs do, before they answer
    response = module_pb2.ReadyResponse(ready=True)
    for (namespace, kind, subtype), (service, model) in MODELS.items():
        handler = response.handlermap.handlers.add(models=[model])
        handler.subtype.proto_service = service
        handler.subtype.subtype.namespace = namespace
        handler.subtype.subtype.type = kind
        handler.subtype.subtype.subtype = subtype
    return response


def validate(request, context):
    attributes = request.config.attributes
    if 'wrong' in attributes:
        context.abort(grpc.StatusCode.INVALID_ARGUMENT, 'the attribute "wrong" is not known')
    needs = attributes['needs'] if 'needs' in attributes else []
    wants = attributes['wants'] if 'wants' in attributes else []
    return module_pb2.ValidateConfigResponse(dependencies=[str(name) for name in needs],
                                             optional_dependencies=[str(name) for name in wants])


def add(request, context):
    missing = [name for name in request.dependencies if name.split('/')[-1] not in parent_names()]
    if missing:
        context.abort(grpc.StatusCode.NOT_FOUND, f'the parent does not have {missing}')
    resources[request.config.name] = {'count': 0, 'seen': list(request.dependencies)}
    return module_pb2.AddResourceResponse()


def remove(request, context):
    resources.pop(request.name.split('/')[-1], None)
    print('removed', request.name, flush=True)
    return module_pb2.RemoveResourceResponse()


def found(request, context):
    if request.name not in resources:
        context.abort(grpc.StatusCode.NOT_FOUND, f'no resource {request.name}')
    return resources[request.name]


def readings(request, context):
    state = found(request, context)
    state['count'] += 1
    response = common_pb2.GetReadingsResponse()
    response.readings['count'].number_value = state['count']
    response.readings['names'].string_value = ' '.join(parent_names())
    response.readings['seen'].string_value = ' '.join(state['seen'])
    return response


def do_command(request, context):
    found(request, context)
    command = request.command
    if 'die' in command:
        os.kill(os.getpid(), signal.SIGKILL)
    if 'limits' in command:
        return common_pb2.DoCommandResponse(result=to_struct({
            'files': resource.getrlimit(resource.RLIMIT_NOFILE)[0],
            'memory': resource.getrlimit(resource.RLIMIT_DATA)[0], 'nice': os.nice(0)}))
    if 'environment' in command:
        return common_pb2.DoCommandResponse(result=to_struct({'id': os.environ.get(command['environment'], '')}))
    if 'hang' in command:
        time.sleep(command['hang'])
    if 'freeze' in command:
        os.kill(os.getpid(), signal.SIGSTOP)
        time.sleep(5)  # it takes a moment
    if 'flood' in command:
        for line in range(int(command['flood'])):
            print('flood', line)
        sys.stdout.flush()
    return common_pb2.DoCommandResponse(result=to_struct({'pid': os.getpid(), 'name': request.name}))


def metadata(request, context):
    found(request, context)
    response = mlmodel_pb2.MetadataResponse()
    response.metadata.name = 'double'
    response.metadata.input_info.add(name='x', data_type='float32', shape=[-1, 3])
    response.metadata.output_info.add(name='y', data_type='float32', shape=[-1, 3])
    return response


def infer(request, context):
    found(request, context)
    response = mlmodel_pb2.InferResponse()
    given = request.input_tensors.tensors['x']
    out = response.output_tensors.tensors['y']
    out.shape.extend(given.shape)
    out.float_tensor.data.extend(2 * value for value in given.float_tensor.data)
    return response


def count_to(request, context):
    found(request, context)
    for number in range(3):
        if number == 1 and 'die' in request.command:
            os.kill(os.getpid(), signal.SIGKILL)
        yield common_pb2.DoCommandResponse(result=to_struct({'number': number}))


def serve(address):
    server = grpc.server(concurrent.futures.ThreadPoolExecutor(max_workers=16))
    server.add_generic_rpc_handlers(tuple(spoilt) + (
        grpc.method_handlers_generic_handler('viam.module.v1.ModuleService', {
            'Ready': unary(ready, module_pb2.ReadyRequest),
            'ValidateConfig': unary(validate, module_pb2.ValidateConfigRequest),
            'AddResource': unary(add, module_pb2.AddResourceRequest),
            'RemoveResource': unary(remove, module_pb2.RemoveResourceRequest),
        }),
        grpc.method_handlers_generic_handler('viam.component.sensor.v1.SensorService', {
            'GetReadings': unary(readings, common_pb2.GetReadingsRequest),
            'DoCommand': unary(do_command, common_pb2.DoCommandRequest),
        }),
        grpc.method_handlers_generic_handler('viam.service.mlmodel.v1.MLModelService', {
            'Metadata': unary(metadata, mlmodel_pb2.MetadataRequest),
            'Infer': unary(infer, mlmodel_pb2.InferRequest),
        }),
        grpc.method_handlers_generic_handler('acme.component.gizmo.v1.GizmoService', {
            'DoOne': unary(do_command, common_pb2.DoCommandRequest),
            'CountTo': grpc.unary_stream_rpc_method_handler(
                count_to, request_deserializer=common_pb2.DoCommandRequest.FromString,
                response_serializer=lambda message: message.SerializeToString()),
        }),
    ))
    server.add_insecure_port(('unix:' if address.startswith('/') else '') + address)
    server.start()
    return server


def main():
    print('argv', sys.argv[1:], flush=True)
    print('environment', os.environ['VIAM_MODULE_NAME'], os.path.isdir(os.environ['VIAM_MODULE_DATA']),
          os.environ['VIAM_MODULE_ADDRESS'] == sys.argv[1], flush=True)
    if os.environ.get('EXIT_AT_START'):
        sys.exit('the licence has expired')
    if os.environ.get('LEAVE_A_CHILD'):
        child = subprocess.Popen(['sleep', '1000'])
        print('child', child.pid, flush=True)
    stopped = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stopped.set())
    server = None if os.environ.get('NO_SOCKET') else serve(sys.argv[1])
    stopped.wait()
    if server is not None:
        server.stop(1).wait()


if __name__ == '__main__':
    main()
