#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Spoken digits by a network that the trainer makes from scratch of pictures of their spectra.

usage: digits.py TRAINER RECORDINGS [MINUTES [SEED...]]   default: 2 minutes, seeds 1 2 3

RECORDINGS holds DIGIT_SPEAKER_NUMBER.wav. Each becomes a gray picture of 64 x 64: time to the right, up to
4 kHz, loudness in decibels; a folder per digit is what the trainer reads. A line of JSON a seed, and their mean.
"""
import concurrent.futures
import glob
import json
import os
import statistics
import subprocess
import sys
import tempfile

FILTER = 'showspectrumpic=s=64x64:legend=0:scale=log:color=channel:saturation=0:stop=4000'


def picture(wav, folder):
    name = os.path.basename(wav)
    target = os.path.join(folder, name.split('_')[0], name[:-4] + '.png')
    os.makedirs(os.path.dirname(target), exist_ok=True)
    subprocess.run(['ffmpeg', '-nostdin', '-v', 'error', '-y', '-i', wav, '-lavfi', FILTER, target], check=True)


def train(trainer, pictures, minutes, seed, out):
    subprocess.run([trainer, pictures, '--base', 'none', '--minutes', str(minutes), '--seed', str(seed), '--out', out],
                   check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    with open(os.path.join(out, 'report.json'), encoding='utf-8') as file:
        return json.load(file)


def main():
    if len(sys.argv) < 3:
        print(__doc__, file=sys.stderr)
        return 2
    trainer, recordings = sys.argv[1:3]
    minutes = float(sys.argv[3]) if len(sys.argv) > 3 else 2
    seeds = [int(seed) for seed in sys.argv[4:]] or [1, 2, 3]
    with tempfile.TemporaryDirectory() as folder:
        pictures = os.path.join(folder, 'pictures')
        with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
            for done in pool.map(lambda wav: picture(wav, pictures), sorted(glob.glob(os.path.join(recordings, '*.wav')))):
                del done
        accuracies = []
        for seed in seeds:
            report = train(trainer, pictures, minutes, seed, os.path.join(folder, f'model-{seed}'))
            accuracies.append(report['accuracy'])
            print(json.dumps({'bench': 'digits', 'seed': seed, 'minutes': minutes, 'accuracy': report['accuracy'],
                              'pictures': report['split'], 'bytes': report['model']['bytes']}), flush=True)
        print(json.dumps({'bench': 'digits', 'seeds': seeds, 'accuracy': statistics.mean(accuracies)}))
    return 0


if __name__ == '__main__':
    sys.exit(main())
