#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Speech as a module: a service that listens and says, a voice as a microphone, a loudspeaker that writes down."""
import base64
import io
import time
import uuid
import wave

from modular import Module
from recognition import Recognizer, Resampled
from synthesis import SpeechError, Synthesizer

from common.v1 import common_pb2
from component.audioin.v1 import audioin_pb2
from component.audioout.v1 import audioout_pb2

AUDIO_IN, AUDIO_OUT, GENERIC = 'rdk:component:audio_in', 'rdk:component:audio_out', 'rdk:service:generic'
IN_SERVICE = 'viam.component.audioin.v1.AudioInService'
OUT_SERVICE = 'viam.component.audioout.v1.AudioOutService'
GENERIC_SERVICE = 'viam.service.generic.v1.GenericService'
MAX_SECONDS = 600
PIECES_PER_SECOND = 10
MAX_PLAYED = 64 << 20  # bytes of one sound


def wav_of(sound):
    file = io.BytesIO()
    with wave.open(file, 'wb') as out:
        out.setnchannels(1)
        out.setsampwidth(2)
        out.setframerate(sound.rate)
        out.writeframes(sound.pcm)
    return file.getvalue()


def read_wav(text):
    """(PCM of 16 bits, rate, channels) of a WAV file in base64."""
    try:
        with wave.open(io.BytesIO(base64.b64decode(text, validate=True))) as file:
            if file.getsampwidth() != 2:
                raise SpeechError('"audio" must be a WAV file of 16 bits a sample')
            return file.readframes(file.getnframes()), file.getframerate(), file.getnchannels()
    except EOFError:  # without a text of its own
        raise SpeechError('"audio" is not base64 of a WAV file: it ends too early') from None
    except (ValueError, TypeError, wave.Error) as error:
        raise SpeechError(f'"audio" is not base64 of a WAV file: {error}') from None


class Conversation:
    """{"command": "listen", "seconds", "phrases", "audio"} and {"command": "say", "text"}."""

    def __init__(self, attributes, machine):
        self._machine = machine
        self._audio_in, self._audio_out = attributes.get('audio_in', ''), attributes.get('audio_out', '')
        self._phrases = attributes.get('phrases', [])
        self._synthesizer, self._recognizer = Synthesizer(attributes), Recognizer(attributes)

    @staticmethod
    def needs(attributes):
        Synthesizer(attributes)  # refuses what is wrong
        Recognizer(attributes)
        names = [(AUDIO_IN, attributes.get('audio_in')), (AUDIO_OUT, attributes.get('audio_out'))]
        return [f'{api}/{name}' for api, name in names if name]

    def command(self, command):
        what = command.get('command')
        if what == 'say':
            return self._say(command)
        if what == 'listen':
            return self._listen(command)
        raise SpeechError('"command" must be "listen" or "say"')

    def _say(self, command):
        sound = self._synthesizer.say(command.get('text'))
        if not self._audio_out:
            return {'seconds': sound.seconds, 'audio': base64.b64encode(wav_of(sound)).decode()}
        self._machine.play(self._audio_out, sound)
        return {'seconds': sound.seconds}

    def _listen(self, command):
        phrases = command.get('phrases', self._phrases)
        if not isinstance(phrases, list):
            raise SpeechError('"phrases" must be a list')
        if 'audio' in command:
            pcm, rate, channels = read_wav(command['audio'])
            return self._recognize([pcm], rate, channels, phrases, False)
        if not self._audio_in:
            raise SpeechError('there is no audio_in in the attributes: send "audio", or name one')
        seconds = command.get('seconds', 10)
        if not isinstance(seconds, (int, float)) or not 0 < seconds <= MAX_SECONDS:
            raise SpeechError(f'"seconds" must be above 0 and not above {MAX_SECONDS}')
        call = self._machine.get_audio(self._audio_in, seconds)
        try:
            first = next(call, None)
            if first is None:
                raise SpeechError(f'{self._audio_in} gave no sound')
            info = first.audio.audio_info
            if info.codec != 'pcm16':
                raise SpeechError(f'{self._audio_in} gives {info.codec}, not pcm16')

            def pieces():
                yield first.audio.audio_data
                try:
                    for response in call:
                        yield response.audio.audio_data
                except Exception as error:
                    if not call.cancelled():
                        raise error
            return self._recognize(pieces(), info.sample_rate_hz, info.num_channels, phrases, True, call.cancel)
        finally:
            call.cancel()

    def _recognize(self, pieces, rate, channels, phrases, until_silence, stop=lambda: None):
        resampled = Resampled(pieces, rate, channels)
        try:
            return self._recognizer.recognize(resampled, phrases, until_silence)
        finally:
            stop()
            resampled.close()


class Voice:
    """An audio_in that says the text of its attributes to everybody who listens, at its own pace."""

    def __init__(self, attributes, _):
        self._sound = Synthesizer(attributes).say(attributes.get('text'))
        self._pace = bool(attributes.get('realtime', True))

    @staticmethod
    def needs(attributes):
        Synthesizer(attributes)
        return []

    def get_audio(self, request, context):
        if request.codec.lower() not in ('', 'pcm16'):
            raise SpeechError(f'the codec "{request.codec}" is not supported: ask for pcm16')
        sound, identity = self._sound, request.request_id or str(uuid.uuid4())
        frames = len(sound.pcm) // 2
        if request.duration_seconds > 0:
            frames = min(frames, int(request.duration_seconds * sound.rate))
        step, begin = max(1, sound.rate // PIECES_PER_SECOND), time.time()
        info = common_pb2.AudioInfo(codec='pcm16', sample_rate_hz=sound.rate, num_channels=1)
        for sequence, at in enumerate(range(0, frames, step)):
            end = min(at + step, frames)
            if self._pace:
                time.sleep(max(0.0, begin + end / sound.rate - time.time()))
            if not context.is_active():
                return
            first, last = (int((begin + frame / sound.rate) * 1e9) for frame in (at, end))
            yield audioin_pb2.GetAudioResponse(request_id=identity, audio=audioin_pb2.AudioChunk(
                audio_data=sound.pcm[2 * at:2 * end], audio_info=info, start_timestamp_nanoseconds=first,
                end_timestamp_nanoseconds=last, sequence=sequence))

    def properties(self):
        return common_pb2.GetPropertiesResponse(supported_codecs=['pcm16'], sample_rate_hz=self._sound.rate, num_channels=1)

    def command(self, _):
        return {'seconds': self._sound.seconds}


class Dictation:
    """An audio_out that writes down what it is to play: {"command": "text"} tells what was said last."""

    def __init__(self, attributes, _):
        self._recognizer, self._phrases = Recognizer(attributes), attributes.get('phrases', [])
        self._last = {'text': '', 'words': [], 'seconds': 0}

    @staticmethod
    def needs(attributes):
        Recognizer(attributes)
        return []

    def play(self, info, pcm):
        if info.codec.lower() not in ('', 'pcm16'):
            raise SpeechError(f'the codec "{info.codec}" is not supported: send pcm16')
        if info.sample_rate_hz < 1000 or not 1 <= info.num_channels <= 32:
            raise SpeechError(f'sound of {info.sample_rate_hz} Hz and {info.num_channels} channels')
        resampled = Resampled([pcm], info.sample_rate_hz, info.num_channels)
        try:
            self._last = self._recognizer.recognize(resampled, self._phrases)
        finally:
            resampled.close()

    def properties(self):
        return common_pb2.GetPropertiesResponse(supported_codecs=['pcm16'], sample_rate_hz=16000, num_channels=1)

    def command(self, _):
        return self._last


MODULE = Module({
    (GENERIC, GENERIC_SERVICE, 'bowerbird:speech:conversation'): Conversation,
    (AUDIO_IN, IN_SERVICE, 'bowerbird:speech:voice'): Voice,
    (AUDIO_OUT, OUT_SERVICE, 'bowerbird:speech:dictation'): Dictation,
})


def play(request, _):
    MODULE.find(AUDIO_OUT, request.name).play(request.audio_info, request.audio_data)
    return audioout_pb2.PlayResponse()


def play_stream(requests, _):
    first = next(requests, None)
    if first is None or first.WhichOneof('payload') != 'init':
        raise SpeechError('the first message must be init')
    pcm = bytearray()
    for request in requests:
        pcm += request.audio_chunk.audio_data
        if len(pcm) > MAX_PLAYED:
            raise SpeechError('a sound of more than 64 MiB')
    MODULE.find(AUDIO_OUT, first.init.name).play(first.init.audio_info, bytes(pcm))
    return audioout_pb2.PlayStreamResponse()


def properties(api):
    return MODULE.unary(lambda request, _: MODULE.find(api, request.name).properties(), common_pb2.GetPropertiesRequest)


if __name__ == '__main__':
    MODULE.run({
        GENERIC_SERVICE: {'DoCommand': MODULE.command(GENERIC)},
        IN_SERVICE: {
            'GetAudio': MODULE.stream_out(
                lambda request, context: MODULE.find(AUDIO_IN, request.name).get_audio(request, context),
                audioin_pb2.GetAudioRequest),
            'GetProperties': properties(AUDIO_IN),
            'DoCommand': MODULE.command(AUDIO_IN),
        },
        OUT_SERVICE: {
            'Play': MODULE.unary(play, audioout_pb2.PlayRequest),
            'PlayStream': MODULE.stream_in(play_stream, audioout_pb2.PlayStreamRequest),
            'GetProperties': properties(AUDIO_OUT),
            'DoCommand': MODULE.command(AUDIO_OUT),
        },
    })
