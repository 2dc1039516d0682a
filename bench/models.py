#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Latency and memory of each model beside the same runtime used plainly.

usage: models.py BOWERBIRD FOLDER     one line of JSON a model, with
  figure   p50 of the plain runtime over ours, median over the rounds: without delegate for files
           that compute in uint8 (it has no kernels for them), with XNNPACK for all others
  bar      3.5 for convolutional networks in uint8, 0.97 for others. Files whose run takes less than
           50 us, which is what a call itself may cost, are reported without a bar.
All variants of a model are timed in turn, each in a process of its own. Where the floor's rounds
differ by more than 10 % the machine was busy: the model is timed again, at most twice, and the run
with the steadiest floor counts; `spread_percent` is the floor's.
"""
import json
import pathlib
import subprocess
import sys

SMALLEST_MS = 0.05
STEADY_PERCENT = 10
RUNS = 3


def bench(program, model):
    run = subprocess.run([program, 'bench', '--compare', '--json', '--seconds', '0.25', str(model)],
                         capture_output=True, text=True)
    if run.returncode != 0:
        return None, run.stderr.strip().splitlines()[-1]
    return json.loads(run.stdout), None


def steadiest(program, model, floor):
    best, problem = None, None
    for _ in range(RUNS):
        measured, problem = bench(program, model)
        if measured is None or measured[floor] is None:
            return measured, problem
        spread = measured[floor]['p50_spread_percent']
        if best is None or spread < best[floor]['p50_spread_percent']:
            best = measured
        if spread <= STEADY_PERCENT or measured[floor]['p50_ms'] < SMALLEST_MS:
            break
    return best, problem


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
        is_uint8 = computes_in_uint8(program, model)
        floor_name = 'plain' if is_uint8 else 'plain_xnnpack'
        measured, problem = steadiest(program, model, floor_name)
        if measured is None:
            print(json.dumps(line | {'refused': problem}), flush=True)
            continue
        floor = measured[floor_name]
        line |= {'prepared': measured['prepared'], 'top_result_agrees': measured['top_result_agrees']}
        for name in ('ours', 'plain', 'plain_xnnpack'):
            if measured[name]:
                line[name] = {key: round(measured[name][key], 3) for key in ('p50_ms', 'peak_rss_mb')}
        if floor:
            line['spread_percent'] = round(floor['p50_spread_percent'], 1)
            line['figure'] = round(floor['p50_over_ours'], 2)
            if floor['p50_ms'] >= SMALLEST_MS:
                line['bar'] = 3.5 if is_uint8 else 0.97
                line['holds'] = line['figure'] >= line['bar']
        print(json.dumps(line), flush=True)


if __name__ == '__main__':
    main()
