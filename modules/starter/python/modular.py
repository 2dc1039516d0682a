# SPDX-License-Identifier: Apache-2.0
"""What every module in Python needs: it listens where the machine says, answers the calls of the module
protocol, keeps the resources, and reaches those of the machine. build.sh makes messages/ out of proto/.
"""
import concurrent.futures
import importlib
import pathlib
import signal
import sys
import threading
import traceback

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent / 'messages'))

import grpc  # noqa: E402
from google.protobuf import json_format, struct_pb2  # noqa: E402

MAX_MESSAGE = 32 << 20  # bytes; what machines send and take at most

# API -> its messages, its service.
APIS = {
    'rdk:component:sensor': ('component.sensor.v1.sensor_pb2', 'SensorService'),
    'rdk:component:generic': ('component.generic.v1.generic_pb2', 'GenericService'),
    'rdk:service:generic': ('service.generic.v1.generic_pb2', 'GenericService'),
    'rdk:service:mlmodel': ('service.mlmodel.v1.mlmodel_pb2', 'MLModelService'),
}
MODULE = ('module.v1.module_pb2', 'ModuleService')


class CallError(Exception):
    """What a caller is told: a status code of gRPC and a sentence."""

    def __init__(self, code, message):
        super().__init__(message)
        self.code = code


def invalid(message):
    return CallError(grpc.StatusCode.INVALID_ARGUMENT, message)


def from_struct(struct):
    """google.protobuf.Struct as a dict."""
    return json_format.MessageToDict(struct)


def to_struct(values):
    struct = struct_pb2.Struct()
    struct.update(values)
    return struct


def messages_of(api):
    """The generated messages of an API, as a Python module."""
    return importlib.import_module(APIS[api][0])


def target(address):
    return ('unix:' if address.startswith('/') else '') + address


def service_of(messages, service):
    return importlib.import_module(messages).DESCRIPTOR.services_by_name[service]


class Machine:
    """The machine that runs the module."""

    channel = None

    def connect(self, address):
        self.channel = grpc.insecure_channel(target(address), options=[
            ('grpc.max_receive_message_length', MAX_MESSAGE)])

    def call(self, api, method, request, timeout=30):
        """Calls `method` of the machine's resource `request.name`."""
        service = service_of(*APIS[api])
        answer = service.methods_by_name[method].output_type._concrete_class
        return self.channel.unary_unary(
            f'/{service.full_name}/{method}', request_serializer=lambda message: message.SerializeToString(),
            response_deserializer=answer.FromString)(request, timeout=timeout)


class Module:
    def __init__(self):
        self.machine = Machine()
        self._models = {}  # (api, model) -> class
        self._resources = {}  # name -> (api, resource)
        self._lock = threading.Lock()

    def add(self, api, model, resource_class):
        """`resource_class(name, attributes, dependencies, machine)` is the resource. Its methods have the
        names of the API's calls, get the request and give the answer; they are called from several threads.
        Its `validate(attributes)` gives the names of resources that it needs, and of those that it can use.
        """
        if api not in APIS:
            raise ValueError(f'{api} does not stand in APIS of modular.py')
        self._models[api, model] = resource_class

    def _class_of(self, config):
        api = config.api or f'{config.namespace or "rdk"}:component:{config.type}'
        if (api, config.model) not in self._models:
            raise invalid(f'this module has no model {config.model} of {api}')
        return api, self._models[api, config.model]

    def _ready(self, request, response):
        self.machine.connect(request.raw_parent_address or request.parent_address)
        response.ready = True
        for api, model in self._models:
            handler = response.handlermap.handlers.add(models=[model])
            handler.subtype.proto_service = service_of(*APIS[api]).full_name
            parts = api.split(':')
            name = handler.subtype.subtype
            name.namespace, name.type, name.subtype = parts

    def _validate(self, request, response):
        _, resource_class = self._class_of(request.config)
        required, optional = resource_class.validate(from_struct(request.config.attributes))
        response.dependencies.extend(required)
        response.optional_dependencies.extend(optional)

    def _add(self, request, response):
        config = request.config
        api, resource_class = self._class_of(config)
        self._close(config.name)
        resource = resource_class(config.name, from_struct(config.attributes), list(request.dependencies), self.machine)
        with self._lock:
            self._resources[config.name] = (api, resource)

    def _remove(self, request, response):
        self._close(request.name.split('/')[-1])

    def _close(self, name):
        with self._lock:
            _, resource = self._resources.pop(name, (None, None))
        if hasattr(resource, 'close'):
            resource.close()

    def _dispatch(self, api, method, request):
        with self._lock:
            known, resource = self._resources.get(request.name, (None, None))
        if known != api:
            raise CallError(grpc.StatusCode.NOT_FOUND, f'no resource of {api} is named "{request.name}"')
        if not hasattr(resource, method):
            raise CallError(grpc.StatusCode.UNIMPLEMENTED, f'{method} is not served by "{request.name}"')
        return getattr(resource, method)(request)

    def _handlers(self, service, answer):
        """`answer(method, request)` gives the response, for each unary call of `service`."""
        def handler(method):
            def call(request, context):
                try:
                    return answer(method.name, request)
                except CallError as error:
                    context.abort(error.code, str(error))
                except Exception as error:  # a fault of the resource: told, and the module goes on
                    traceback.print_exc()
                    context.abort(grpc.StatusCode.INTERNAL, repr(error))
            return grpc.unary_unary_rpc_method_handler(
                call, request_deserializer=method.input_type._concrete_class.FromString,
                response_serializer=lambda message: message.SerializeToString())
        return grpc.method_handlers_generic_handler(
            service.full_name, {method.name: handler(method) for method in service.methods})

    def _protocol(self, name, request):
        calls = {'Ready': self._ready, 'ValidateConfig': self._validate, 'AddResource': self._add,
                 'ReconfigureResource': self._add, 'RemoveResource': self._remove}
        response = service_of(*MODULE).methods_by_name[name].output_type._concrete_class()
        calls[name](request, response)
        return response

    def run(self):
        """Serves until SIGTERM."""
        if len(sys.argv) < 2:
            sys.exit('usage: the machine starts this program with the path of a socket')
        server = grpc.server(concurrent.futures.ThreadPoolExecutor(max_workers=16), options=[
            ('grpc.max_receive_message_length', MAX_MESSAGE), ('grpc.max_send_message_length', MAX_MESSAGE)])
        handlers = [self._handlers(service_of(*MODULE), self._protocol)]
        for api in sorted({api for api, _ in self._models}):
            handlers.append(self._handlers(
                service_of(*APIS[api]), lambda name, request, api=api: self._dispatch(api, name, request)))
        server.add_generic_rpc_handlers(handlers)
        server.add_insecure_port(target(sys.argv[1]))
        stopped = threading.Event()
        signal.signal(signal.SIGTERM, lambda *_: stopped.set())
        server.start()
        stopped.wait()
        server.stop(1).wait()
        for name in list(self._resources):
            self._close(name)
