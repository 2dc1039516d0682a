# SPDX-License-Identifier: Apache-2.0
"""Text to sound, by eSpeak NG (a hundred languages, plain) or Flite (English, more natural)."""
import os
import re
import shutil
import subprocess
import tempfile
import wave

SYNTHESIZERS = {'espeak-ng': 'en-us', 'flite': 'rms'}  # and the voice that each has by default
MAX_TEXT = 10_000  # characters
TIMEOUT = 120  # seconds


class SpeechError(Exception):
    """What a caller is told."""


class Sound:
    """PCM of 16 bits, one channel."""

    def __init__(self, pcm, rate):
        self.pcm, self.rate = pcm, rate

    @property
    def seconds(self):
        return len(self.pcm) / 2 / self.rate


class Synthesizer:
    def __init__(self, attributes):
        self.program = attributes.get('synthesizer', 'espeak-ng')
        if self.program not in SYNTHESIZERS:
            raise SpeechError(f'synthesizer "{self.program}": there are {", ".join(SYNTHESIZERS)}')
        self.voice = str(attributes.get('voice', SYNTHESIZERS[self.program]))
        if not re.fullmatch(r'[A-Za-z0-9][A-Za-z0-9+_-]*', self.voice):
            raise SpeechError(f'voice "{self.voice}" is no name of a voice')
        self.pace = int(attributes.get('words_per_minute', 150))
        if not 80 <= self.pace <= 450:
            raise SpeechError('words_per_minute must be from 80 to 450')

    def say(self, text):
        if not isinstance(text, str) or not text.strip():
            raise SpeechError('say needs a text')
        if len(text) > MAX_TEXT:
            raise SpeechError(f'a text of {len(text)} characters: at most {MAX_TEXT} are said at once')
        if shutil.which(self.program) is None:
            raise SpeechError(f'{self.program} not found: install the Debian package {self.program}')
        with tempfile.TemporaryDirectory() as folder:
            source, target = os.path.join(folder, 'text'), os.path.join(folder, 'sound.wav')
            with open(source, 'w', encoding='utf-8') as file:
                file.write(text)
            run = subprocess.run(self._command(source, target), stdin=subprocess.DEVNULL, capture_output=True,
                                 timeout=TIMEOUT, check=False)
            said = run.stderr.decode(errors='replace').strip().splitlines()
            if run.returncode != 0 or not os.path.exists(target):
                raise SpeechError(f'{self.program}: {said[-1] if said else f"exit status {run.returncode}"}')
            with wave.open(target) as file:
                return Sound(file.readframes(file.getnframes()), file.getframerate())

    def _command(self, source, target):
        if self.program == 'flite':
            # Flite knows no pace, but a stretch of its own, 1 at about 150 words a minute.
            return ['flite', '-voice', self.voice, '--setf', f'duration_stretch={150 / self.pace:.3f}', '-f', source, '-o', target]
        return ['espeak-ng', '-v', self.voice, '-s', str(self.pace), '-w', target, '-f', source]
