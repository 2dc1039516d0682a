# SPDX-License-Identifier: Apache-2.0
"""The module protocol: says which models there are, keeps resources, passes calls to them by name."""
import concurrent.futures
import pathlib
import signal
import sys
import threading

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent / 'messages'))

try:
    import grpc  # noqa: E402
    from google.protobuf import json_format, struct_pb2  # noqa: E402
except ImportError as error:
    sys.exit(f'{error}: install the Debian packages python3-grpcio and python3-protobuf, and those of README.md')
from common.v1 import common_pb2  # noqa: E402
from component.audioin.v1 import audioin_pb2  # noqa: E402
from component.audioout.v1 import audioout_pb2  # noqa: E402
from module.v1 import module_pb2  # noqa: E402

from synthesis import SpeechError  # noqa: E402

MAX_MESSAGE = 32 << 20  # bytes; what machines take


def to_bytes(message):
    return message.SerializeToString()


class Machine:
    """The machine that runs the module, and its sound."""

    def __init__(self, address):
        self._channel = grpc.insecure_channel(('unix:' if address.startswith('/') else '') + address,
                                              options=[('grpc.max_receive_message_length', MAX_MESSAGE)])

    def get_audio(self, name, seconds):
        """The call, to be iterated over and cancelled."""
        return self._channel.unary_stream(
            '/viam.component.audioin.v1.AudioInService/GetAudio', request_serializer=to_bytes,
            response_deserializer=audioin_pb2.GetAudioResponse.FromString)(
                audioin_pb2.GetAudioRequest(name=name, duration_seconds=seconds, codec='pcm16'), timeout=seconds + 60)

    def play(self, name, sound):
        info = common_pb2.AudioInfo(codec='pcm16', sample_rate_hz=sound.rate, num_channels=1)
        self._channel.unary_unary(
            '/viam.component.audioout.v1.AudioOutService/Play', request_serializer=to_bytes,
            response_deserializer=audioout_pb2.PlayResponse.FromString)(
                audioout_pb2.PlayRequest(name=name, audio_data=sound.pcm, audio_info=info), timeout=sound.seconds + 60)


class Module:
    def __init__(self, models):
        """`models`: {(api, service, model): class(attributes, machine)}. A class may have needs(attributes), the full
        names of the resources that it uses."""
        self._models = models
        self._resources, self._lock, self._machine = {}, threading.Lock(), None

    def _class_of(self, config):
        for (api, _, model), resource_class in self._models.items():
            if (api, model) == (config.api, config.model):
                return resource_class
        raise SpeechError(f'this module has no model {config.model} of {config.api}')

    def _ready(self, request, _):
        self._machine = Machine(request.parent_address)
        response = module_pb2.ReadyResponse(ready=True)
        for api, service, model in self._models:
            handler = response.handlermap.handlers.add(models=[model])
            handler.subtype.proto_service = service
            name = handler.subtype.subtype
            name.namespace, name.type, name.subtype = api.split(':')
        return response

    def _validate(self, request, _):
        resource_class = self._class_of(request.config)
        attributes = json_format.MessageToDict(request.config.attributes)
        return module_pb2.ValidateConfigResponse(dependencies=getattr(resource_class, 'needs', lambda _: [])(attributes))

    def _add(self, request, _):
        resource = self._class_of(request.config)(json_format.MessageToDict(request.config.attributes), self._machine)
        with self._lock:
            self._resources[request.config.api, request.config.name] = resource
        return module_pb2.AddResourceResponse()

    def _remove(self, request, _):
        api, _, name = request.name.rpartition('/')
        with self._lock:
            self._resources.pop((api, name), None)
        return module_pb2.RemoveResourceResponse()

    def find(self, api, name):
        with self._lock:
            if (api, name) not in self._resources:
                raise KeyError(f'no resource {api}/{name}')
            return self._resources[api, name]

    @staticmethod
    def _told(call, context):
        """Runs `call`; what goes wrong becomes a status."""
        try:
            return call()
        except SpeechError as error:
            context.abort(grpc.StatusCode.INVALID_ARGUMENT, str(error))
        except KeyError as error:
            context.abort(grpc.StatusCode.NOT_FOUND, error.args[0])
        except grpc.RpcError as error:  # of the machine
            context.abort(error.code(), error.details())

    def unary(self, function, request_type):
        return grpc.unary_unary_rpc_method_handler(
            lambda request, context: self._told(lambda: function(request, context), context),
            request_deserializer=request_type.FromString, response_serializer=to_bytes)

    def stream_out(self, function, request_type):
        def handler(request, context):
            answers = self._told(lambda: function(request, context), context)
            while (answer := self._told(lambda: next(answers, None), context)) is not None:
                yield answer
        return grpc.unary_stream_rpc_method_handler(
            handler, request_deserializer=request_type.FromString, response_serializer=to_bytes)

    def stream_in(self, function, request_type):
        return grpc.stream_unary_rpc_method_handler(
            lambda requests, context: self._told(lambda: function(requests, context), context),
            request_deserializer=request_type.FromString, response_serializer=to_bytes)

    def command(self, api):
        def handler(request, _):
            result = struct_pb2.Struct()
            result.update(self.find(api, request.name).command(json_format.MessageToDict(request.command)))
            return common_pb2.DoCommandResponse(result=result)
        return self.unary(handler, common_pb2.DoCommandRequest)

    def run(self, services):
        """`services`: {service: {method: handler}}. Until SIGTERM."""
        server = grpc.server(concurrent.futures.ThreadPoolExecutor(max_workers=16),
                             options=[('grpc.max_receive_message_length', MAX_MESSAGE)])
        services = dict(services)
        services['viam.module.v1.ModuleService'] = {
            'Ready': self.unary(self._ready, module_pb2.ReadyRequest),
            'ValidateConfig': self.unary(self._validate, module_pb2.ValidateConfigRequest),
            'AddResource': self.unary(self._add, module_pb2.AddResourceRequest),
            'RemoveResource': self.unary(self._remove, module_pb2.RemoveResourceRequest),
        }
        server.add_generic_rpc_handlers(tuple(
            grpc.method_handlers_generic_handler(service, methods) for service, methods in services.items()))
        address = sys.argv[1]
        server.add_insecure_port(('unix:' if address.startswith('/') else '') + address)
        server.start()
        stopped = threading.Event()
        signal.signal(signal.SIGTERM, lambda *_: stopped.set())
        stopped.wait()
        server.stop(1).wait()
