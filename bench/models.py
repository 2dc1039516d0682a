#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Latency and memory of each model beside the same runtime used plainly.

usage: models.py BOWERBIRD FOLDER     one line of JSON a model, with
  figure   p50 of the plain runtime over ours: without delegate for files that compute in uint8 (it has
           no kernels for them), with XNNPACK for all others
  bar      3.5 for convolutional networks in uint8, 0.97 for others. Files whose run takes less than
           50 us, which is what a call itself may cost, are reported without a bar.
All variants of a model are timed in turn, each in a process of its own.
"""
import json
import pathlib
import subprocess
import sys

SMALLEST_MS = 0.05


def bench(program, model):
    run = subprocess.run([program, 'bench', '--compare', '--json', '--seconds', '0.25', str(model)],
                         capture_output=True, text=True)
    if run.returncode != 0:
        return None, run.stderr.strip().splitlines()[-1]
    return json.loads(run.stdout), None


def computes_in_uint8(program, model):
    run = subprocess.run([program, 'inspect', '--no-measure', '--json', str(model)],
                         capture_output=True, text=True)
    if run.returncode != 0:
        return False
    findings = json.loads(run.stdout).get('findings', [])
    return any(finding['id'] == 'uint8-activations' for finding in findings)


def main():
    program, folder = sys.argv[1:]
    for model in sorted(pathlib.Path(folder).rglob('*.tflite')):
        line = {'bench': 'models', 'model': model.name}
        measured, problem = bench(program, model)
        if measured is None:
            print(json.dumps(line | {'refused': problem}), flush=True)
            continue
        is_uint8 = computes_in_uint8(program, model)
        floor = measured['plain' if is_uint8 else 'plain_xnnpack']
        line |= {'prepared': measured['prepared'], 'top_result_agrees': measured['top_result_agrees']}
        for name in ('ours', 'plain', 'plain_xnnpack'):
            if measured[name]:
                line[name] = {key: round(measured[name][key], 3) for key in ('p50_ms', 'peak_rss_mb')}
        if floor:
            line['figure'] = round(floor['p50_ms'] / measured['ours']['p50_ms'], 2)
            if floor['p50_ms'] >= SMALLEST_MS:
                line['bar'] = 3.5 if is_uint8 else 0.97
                line['holds'] = line['figure'] >= line['bar']
        print(json.dumps(line), flush=True)


if __name__ == '__main__':
    main()
