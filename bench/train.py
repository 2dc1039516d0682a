#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What training costs and how good it gets, on public datasets, seeds 1, 2 and 3.

usage: train.py TRAINER DEFAULT_BASE DATA [WORD...]     one line of JSON a task whose name has a WORD, with
  figure    accuracy in 5-fold cross-validation or on the validation pictures, mean average precision
            of labels, or Pascal VOC average precision, always of the exported file where there are
            validation pictures: mean of the seeds
  scores    of each seed, on the validation pictures
  seconds   of processor time of the whole program, mean of the seeds
  path      of a classifier: which way was kept, by seed
"""
import dataclasses
import json
import pathlib
import statistics
import subprocess
import sys
import tempfile

from train_data import folder_of

SEEDS = (1, 2, 3)
CROSS = 'cross_validation'
FLOWERS, SIGNS = 'classify-flowers-200/images', 'classify-sign-digits'
RACCOONS, CELLS = 'detect-raccoon', 'detect-bccd'
VOC = 'multilabel-voc100-multiformat/gts/pascalvoc_format'
VOC_PICTURES = 'multilabel-voc100-multiformat/images'
# The default base is the detector that the demo comes with.
BASES = {
    'MobileNet v2 int8': 'models/classify/tf2_mobilenet_v2_1.0_224_ptq.tflite',
    'COCO SSD MobileNet v1': 'models/detect/coco_ssd_mobilenet_v1_1.0_quant_2018_06_29.tflite',
}
MOBILENET, COCO, DEFAULT, NONE = *BASES, 'default', 'none'


@dataclasses.dataclass
class Task:
    name: str
    dataset: str
    base: str
    key: str  # of the report
    minutes: float = 0
    type: str = 'single'
    bar: float = None
    most_seconds: float = None
    pictures: str = ''  # their folder, where it is another


TASKS = [
    Task('flowers grafted', FLOWERS, MOBILENET, CROSS, bar=0.84, most_seconds=5),
    Task('flowers grafted', FLOWERS, DEFAULT, CROSS, bar=0.71, most_seconds=5),
    Task('signs, 3 minutes', SIGNS, MOBILENET, 'accuracy', 3, bar=0.99),
    Task('signs, 480 to learn from, 2 minutes', 'signs-600', MOBILENET, 'accuracy', 2, bar=0.95),
    Task('raccoons, a minute', RACCOONS, DEFAULT, 'voc_ap50', 0, 'detection', 0.92, 60),
    Task('raccoons, 3 minutes', RACCOONS, DEFAULT, 'voc_ap50', 3, 'detection', 0.95, 180),
    Task('raccoons, 3 minutes', RACCOONS, COCO, 'voc_ap50', 3, 'detection', 0.97, 180),
    Task('blood cells, a minute', CELLS, DEFAULT, 'voc_ap50', 0, 'detection', 0.83, 60),
    Task('blood cells, 3 minutes', CELLS, DEFAULT, 'voc_ap50', 3, 'detection', 0.85, 180),
    Task('fashion, from scratch, 3 minutes', 'fashion', NONE, 'accuracy', 3),
    Task('fashion, grafted', 'fashion', DEFAULT, 'accuracy'),
    Task('omniglot, from scratch, 3 minutes', 'omniglot', NONE, 'accuracy', 3),
    Task('omniglot, grafted', 'omniglot', DEFAULT, 'accuracy'),
    Task('signs, from scratch, 3 minutes', SIGNS, NONE, 'accuracy', 3),
    Task('flowers, from scratch, a minute', FLOWERS, NONE, 'accuracy', 1),
    Task('raccoons, from scratch, 3 minutes', RACCOONS, NONE, 'voc_ap50', 3, 'detection'),
    Task('VOC scenes, any number of labels', VOC, MOBILENET, 'map', type='multi', pictures=VOC_PICTURES),
    Task('VOC scenes, any number of labels', VOC, DEFAULT, 'map', type='multi', pictures=VOC_PICTURES),
]


def train(trainer, data, base, task, seed):
    with tempfile.TemporaryDirectory() as folder:
        out = pathlib.Path(folder) / 'out'
        pictures = ['--pictures', task.pictures] if task.pictures else []
        minutes = ['--minutes', str(task.minutes)] if task.minutes else []
        run = subprocess.run([trainer, data, '--base', base, '--out', out, '--seed', str(seed), '--type',
                              task.type, '--threads', '1', *minutes, *pictures],
                             capture_output=True, text=True)
        if run.returncode != 0:
            raise SystemExit(f'{data}: {run.stderr.strip().splitlines()[-1]}')
        report = json.loads((out / 'report.json').read_text())
        return report, json.loads(run.stdout.strip().splitlines()[-1])


def score(report, key):
    return report[CROSS]['accuracy'] if key == CROSS else report[key]


def measure(task, runs):
    figure = statistics.mean(score(report, task.key) for report, _ in runs)
    seconds = statistics.mean(done['processor_seconds'] for _, done in runs)
    line = {'bench': 'train', 'task': task.name, 'base': task.base, 'figure': round(figure, 4), 'measure': task.key,
            'scores': [round(next(report[key] for key in ('accuracy', 'map', 'voc_ap50') if key in report), 4)
                       for report, _ in runs],
            'seconds': round(seconds, 1)}
    paths = [report['path'] for report, _ in runs if 'path' in report]
    if paths:
        line['path'] = paths
    if task.bar is not None:
        in_time = task.most_seconds is None or seconds <= task.most_seconds
        line |= {'bar': task.bar, 'most_seconds': task.most_seconds, 'holds': figure >= task.bar and in_time}
    return line


def main():
    trainer, default_base, data, *words = sys.argv[1:]
    with tempfile.TemporaryDirectory() as scratch:
        for task in TASKS:
            if words and not any(word in f'{task.name} {task.base}' for word in words):
                continue
            base = f'{data}/{BASES[task.base]}' if task.base in BASES else default_base
            base = NONE if task.base == NONE else base
            if task.pictures:
                task = dataclasses.replace(task, pictures=f'{data}/datasets/{task.pictures}')
            folder = folder_of(pathlib.Path(data), task.dataset, scratch)
            runs = [train(trainer, folder, base, task, seed) for seed in SEEDS]
            print(json.dumps(measure(task, runs)), flush=True)


if __name__ == '__main__':
    main()
