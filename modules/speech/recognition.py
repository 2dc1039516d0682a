# SPDX-License-Identifier: Apache-2.0
"""Sound to text, by PocketSphinx: everything that its language model knows, or some phrases only."""
import os
import re
import subprocess
import tempfile
import threading

from synthesis import SpeechError

RATE = 16000  # Hz; what the models of pocketsphinx-en-us were made for
MODELS = '/usr/share/pocketsphinx/model/en-us'
PIECE = 2 * RATE // 20  # bytes that are decoded at once
SILENCE = bytes(RATE)  # half a second: an utterance that begins with the sound itself loses its first word


class Resampled:
    """Pieces of PCM of any rate and number of channels, given back as one channel of RATE: through ffmpeg."""

    def __init__(self, pieces, rate, channels):
        self._pieces = pieces
        self._child = subprocess.Popen(
            ['ffmpeg', '-nostdin', '-v', 'error', '-probesize', '32', '-analyzeduration', '0', '-f', 's16le', '-ar', str(rate),
             '-ac', str(channels), '-i', 'pipe:0', '-f', 's16le', '-ar', str(RATE), '-ac', '1', '-flush_packets', '1', 'pipe:1'],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        self._error = None
        self._writer = threading.Thread(target=self._write, daemon=True)
        self._writer.start()

    def _write(self):
        try:
            for piece in self._pieces:
                self._child.stdin.write(piece)
                self._child.stdin.flush()
        except BrokenPipeError:
            pass
        except Exception as error:  # of whoever gives the pieces; told where they are read
            self._error = error
        finally:
            try:
                self._child.stdin.close()
            except BrokenPipeError:
                pass

    def __iter__(self):
        while piece := self._child.stdout.read1(PIECE):
            yield piece
        if self._error is not None:
            raise self._error

    def close(self):
        self._child.kill()
        self._child.wait()
        self._writer.join(timeout=5)


def grammar_of(phrases):
    """A grammar of these phrases, any number of times."""
    for phrase in phrases:
        if not isinstance(phrase, str) or not re.fullmatch(r"[a-z'’ -]+", phrase.lower().strip()):
            raise SpeechError(f'the phrase "{phrase}": words of letters are needed')
    choices = ' | '.join(phrase.lower().strip() for phrase in phrases)
    return f'#JSGF V1.0;\ngrammar phrases;\npublic <all> = ({choices})+;\n'


class Recognizer:
    """Makes decoders, which take a second to load and serve one caller at a time; keeps two for each grammar."""

    KEPT = 2

    def __init__(self, attributes):
        self._paths = {
            '-hmm': attributes.get('acoustic_model', os.path.join(MODELS, 'en-us')),
            '-dict': attributes.get('dictionary', os.path.join(MODELS, 'cmudict-en-us.dict')),
            '-lm': attributes.get('language_model', os.path.join(MODELS, 'en-us.lm.bin')),
        }
        for path in self._paths.values():
            if not os.path.exists(path):
                raise SpeechError(f'{path} is not there: install the Debian package pocketsphinx-en-us, or name another model')
        self._idle, self._lock = {}, threading.Lock()

    def _take(self, phrases):
        key = tuple(phrases)
        with self._lock:
            if self._idle.get(key):
                return key, self._idle[key].pop()
        try:
            from pocketsphinx import Decoder
        except ImportError:
            raise SpeechError('pocketsphinx is not there: install the Debian package python3-pocketsphinx') from None
        config = Decoder.default_config()
        config.set_string('-logfn', '/dev/null')
        for name in ('-hmm', '-dict') if phrases else ('-hmm', '-dict', '-lm'):
            config.set_string(name, self._paths[name])
        decoder = Decoder(config)
        if phrases:
            text = grammar_of(phrases)
            for word in sorted({word for phrase in phrases for word in phrase.lower().split()}):
                if decoder.lookup_word(word) is None:
                    raise SpeechError(f'the word "{word}" does not stand in the dictionary {self._paths["-dict"]}')
            with tempfile.NamedTemporaryFile('w', suffix='.jsgf') as file:
                file.write(text)
                file.flush()
                decoder.set_jsgf_file('phrases', file.name)
            decoder.set_search('phrases')
        return key, decoder

    def _give_back(self, key, decoder):
        with self._lock:
            if len(self._idle) < 8 or key in self._idle:
                kept = self._idle.setdefault(key, [])
                if len(kept) < self.KEPT:
                    kept.append(decoder)

    def recognize(self, pieces, phrases=(), until_silence=False):
        """`pieces`: PCM at RATE. Ends with them, or, if asked, when somebody has spoken and is silent again."""
        key, decoder = self._take(tuple(phrases))
        heard, spoke = 0, False
        decoder.start_stream()  # times count from here
        decoder.start_utt()
        try:
            decoder.process_raw(SILENCE, False, False)
            for piece in pieces:
                decoder.process_raw(piece, False, False)
                heard += len(piece)
                spoke = spoke or decoder.get_in_speech()
                if until_silence and spoke and not decoder.get_in_speech():
                    break
            decoder.process_raw(SILENCE, False, False)
        finally:
            decoder.end_utt()
        result = self._result(decoder)
        result['seconds'] = heard / 2 / RATE
        self._give_back(key, decoder)
        return result

    @staticmethod
    def _result(decoder):
        hypothesis = decoder.hyp()
        words = []
        for segment in decoder.seg():
            word = re.sub(r'\(\d+\)$', '', segment.word)  # the dictionary counts pronunciations
            if word.startswith(('<', '[', '+')):
                continue  # silence and noise
            # Frames of a hundredth of a second; the silence that was put before does not count.
            begin, end = (max(0.0, frame / 100 - len(SILENCE) / 2 / RATE) for frame in (segment.start_frame, segment.end_frame + 1))
            words.append({'word': word, 'start_seconds': begin, 'end_seconds': end})
        return {'text': hypothesis.hypstr if hypothesis is not None else '', 'words': words}
