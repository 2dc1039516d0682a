#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""A module with components that the machine only passes on: button, switch, servo, movement sensor, power sensor.

Their messages are written by hand: the machine does not have them either. Each has one state.
"""
import concurrent.futures
import signal
import struct
import sys
import threading

import grpc
from common.v1 import common_pb2
from module.v1 import module_pb2

SERVICES = {
    'button': 'viam.component.button.v1.ButtonService',
    'switch': 'viam.component.switch.v1.SwitchService',
    'servo': 'viam.component.servo.v1.ServoService',
    'movement_sensor': 'viam.component.movementsensor.v1.MovementSensorService',
    'power_sensor': 'viam.component.powersensor.v1.PowerSensorService',
}
state = {'position': 0, 'angle': 0, 'pushed': 0}


def second_number(request):
    """The varint of field 2; field 1 is a text shorter than 128 bytes."""
    rest = request[2 + request[1]:]
    if not rest:
        return 0
    assert rest[0] == 0x10
    value, shift = 0, 0
    for byte in rest[1:]:
        value |= (byte & 0x7f) << shift
        if byte < 0x80:
            break
        shift += 7
    return value


def push(request, context):
    state['pushed'] += 1
    return b''


def set_position(request, context):
    state['position'] = second_number(request)
    return b''


def move(request, context):
    state['angle'] = second_number(request)
    return b''


def readings(values):
    def answer(request, context):
        response = common_pb2.GetReadingsResponse()
        for key, value in values.items():
            response.readings[key].number_value = value
        return response.SerializeToString()
    return answer


METHODS = {
    'button': {'Push': push},
    'switch': {'SetPosition': set_position, 'GetPosition': lambda *_: bytes([0x08, state['position']])},
    'servo': {'Move': move, 'GetPosition': lambda *_: bytes([0x08, state['angle']]), 'Stop': lambda *_: b''},
    'movement_sensor': {'GetReadings': readings({'speed': 1.5}),
                        'GetCompassHeading': lambda *_: b'\x09' + struct.pack('<d', 42)},
    'power_sensor': {'GetReadings': readings({'volts': 12}),
                     'GetVoltage': lambda *_: b'\x09' + struct.pack('<d', 12)},
}


def ready(request, context):
    response = module_pb2.ReadyResponse(ready=True)
    for subtype, service in SERVICES.items():
        handler = response.handlermap.handlers.add(models=[f'test:things:{subtype}'])
        handler.subtype.proto_service = service
        handler.subtype.subtype.namespace = 'rdk'
        handler.subtype.subtype.type = 'component'
        handler.subtype.subtype.subtype = subtype
    return response


def handler(function, request_type=None):
    return grpc.unary_unary_rpc_method_handler(
        function, request_deserializer=request_type.FromString if request_type else None,
        response_serializer=(lambda message: message.SerializeToString()) if request_type else None)


def main():
    server = grpc.server(concurrent.futures.ThreadPoolExecutor(max_workers=8))
    server.add_generic_rpc_handlers(tuple(
        grpc.method_handlers_generic_handler(
            SERVICES[subtype], {name: handler(function) for name, function in methods.items()})
        for subtype, methods in METHODS.items()))
    server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler('viam.module.v1.ModuleService', {
        'Ready': handler(ready, module_pb2.ReadyRequest),
        'AddResource': handler(lambda *_: module_pb2.AddResourceResponse(), module_pb2.AddResourceRequest),
        'RemoveResource': handler(lambda *_: module_pb2.RemoveResourceResponse(), module_pb2.RemoveResourceRequest),
    }),))
    server.add_insecure_port('unix:' + sys.argv[1])
    server.start()
    stopped = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stopped.set())
    stopped.wait()
    server.stop(1).wait()


if __name__ == '__main__':
    main()
