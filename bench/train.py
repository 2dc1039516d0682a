#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What training costs and how good it gets, on public datasets, seeds 1, 2 and 3.

usage: train.py TRAINER DEFAULT_BASE DATA     one line of JSON a task, with
  figure    accuracy in 5-fold cross-validation (classifiers) or Pascal VOC average precision of the
            exported file on the validation pictures (detectors): mean of the seeds
  scores    of each seed, on the validation pictures
  seconds   of processor time of the whole program, mean of the seeds
"""
import json
import pathlib
import statistics
import subprocess
import sys
import tempfile

SEEDS = (1, 2, 3)
MOBILENET = 'models/classify/tf2_mobilenet_v2_1.0_224_ptq.tflite'
# name, dataset, base (None: the default one), options, key of the report, bar, seconds at most
TASKS = [
    ('flowers grafted', 'classify-flowers-200/images', MOBILENET, ['--type', 'single'],
     'cross_validation', 0.84, 5),
    ('flowers grafted', 'classify-flowers-200/images', None, ['--type', 'single'],
     'cross_validation', 0.71, 5),
    ('signs, a minute', 'classify-sign-digits', MOBILENET, ['--type', 'single', '--minutes', '1'],
     'accuracy', None, None),
    ('raccoons detected', 'detect-raccoon', None, ['--type', 'detection'], 'voc_ap50', 0.92, 60),
    ('blood cells detected', 'detect-bccd', None, ['--type', 'detection'], 'voc_ap50', 0.83, 60),
]


def train(trainer, data, base, options, seed):
    with tempfile.TemporaryDirectory() as folder:
        out = pathlib.Path(folder) / 'out'
        run = subprocess.run([trainer, data, '--base', base, '--out', out, '--seed', str(seed), *options],
                             capture_output=True, text=True)
        if run.returncode != 0:
            raise SystemExit(f'{data}: {run.stderr.strip().splitlines()[-1]}')
        report = json.loads((out / 'report.json').read_text())
        return report, json.loads(run.stdout.strip().splitlines()[-1])


def score(report, key):
    return report[key]['accuracy'] if key == 'cross_validation' else report[key]


def main():
    trainer, default_base, data = sys.argv[1:]
    for name, dataset, base, options, key, bar, most in TASKS:
        runs = [train(trainer, f'{data}/datasets/{dataset}', f'{data}/{base}' if base else default_base, options,
                      seed) for seed in SEEDS]
        figure = statistics.mean(score(report, key) for report, _ in runs)
        seconds = statistics.mean(done['processor_seconds'] for _, done in runs)
        line = {'bench': 'train', 'task': name, 'base': 'MobileNet v2 int8' if base else 'default',
                'figure': round(figure, 4), 'measure': key,
                'scores': [round(report.get('accuracy', report.get('voc_ap50')), 4)
                           for report, _ in runs],
                'seconds': round(seconds, 1)}
        if bar is not None:
            line |= {'bar': bar, 'most_seconds': most, 'holds': figure >= bar and seconds <= most}
        print(json.dumps(line), flush=True)


if __name__ == '__main__':
    main()
