#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Our fine-tuning beside PyTorch's: same network, same weights, same batches, same optimiser, one
thread each; Debian's python3-torch.

usage: train_pytorch.py BENCH_TRAIN_STEPS BASE DATASET [SIDE [STEPS]]     one line of JSON, with
  accuracy        of ours and of PyTorch's network on the validation pictures after the last step
  loss_apart      the largest difference of the two losses, over the first steps and over all
  milliseconds    of processor time of a step, ours and PyTorch's
  time_ratio      ours over PyTorch's
"""
import json
import math
import pathlib
import subprocess
import sys
import tempfile
import time

import torch
import torch.nn.functional as functional

FIRST_STEPS = 10
WEIGHT_DECAY = 1e-4
CLIP_NORM = 10


class Network(torch.nn.Module):
    """The operators of the graph, with its numbers."""

    def __init__(self, described, numbers):
        super().__init__()
        self.described = described
        self.weights = torch.nn.ParameterList()
        self.parameter_of = {}
        self.constant_of = {}
        for operator in described['operators']:
            if operator['name'] in ('CONV_2D', 'DEPTHWISE_CONV_2D', 'FULLY_CONNECTED'):
                for place, index in enumerate(operator['inputs'][1:3]):
                    self.parameter(index, operator['name'] if place == 0 else '', numbers)
            for index in operator['inputs']:
                if 'at' in described['tensors'][index] and index not in self.parameter_of:
                    self.constant_of[index] = self.numbers_of(index, numbers)

    def numbers_of(self, index, numbers):
        tensor = self.described['tensors'][index]
        count = math.prod(tensor['shape'])
        return numbers[tensor['at']:tensor['at'] + count].reshape(tensor['shape']).clone()

    def parameter(self, index, kind, numbers):
        if index in self.parameter_of:
            return
        values = self.numbers_of(index, numbers)
        if kind == 'CONV_2D':
            values = values.permute(0, 3, 1, 2).contiguous()
        elif kind == 'DEPTHWISE_CONV_2D':
            values = values.permute(3, 0, 1, 2).contiguous()
        self.parameter_of[index] = len(self.weights)
        self.weights.append(torch.nn.Parameter(values))

    def groups(self):
        """Weights decay, biases do not."""
        decayed = [weight for weight in self.weights if weight.dim() > 1]
        kept = [weight for weight in self.weights if weight.dim() == 1]
        return [{'params': decayed, 'weight_decay': WEIGHT_DECAY}, {'params': kept, 'weight_decay': 0}]

    def forward(self, pictures):
        values = {self.described['input']: pictures}

        def value(index):
            if index in values:
                return values[index]
            if index in self.parameter_of:
                return self.weights[self.parameter_of[index]]
            return self.constant_of[index]

        for operator in self.described['operators']:
            values[operator['output']] = self.run(operator, [value(i) for i in operator['inputs'][:3]
                                                             if self.is_number(i, values)])
        return values[self.described['output']]

    def is_number(self, index, values):
        return index in values or index in self.parameter_of or index in self.constant_of

    def run(self, operator, inputs):
        name = operator['name']
        if name in ('CONV_2D', 'DEPTHWISE_CONV_2D'):
            result = convolution(operator, name == 'DEPTHWISE_CONV_2D', *inputs)
        elif name == 'ADD':
            result = inputs[0] + inputs[1]
        elif name == 'MEAN':
            shape = self.described['tensors'][operator['output']]['shape']
            result = inputs[0].mean((2, 3), keepdim=len(shape) == 4)
        elif name == 'AVERAGE_POOL_2D':
            result = inputs[0].mean((2, 3), keepdim=True)
        elif name == 'RESHAPE':
            result = inputs[0].flatten(1)
        elif name == 'CONCATENATION':
            result = torch.cat(inputs, 1)
        elif name == 'FULLY_CONNECTED':
            result = functional.linear(inputs[0].flatten(1), *inputs[1:])
        else:
            raise SystemExit(f'the network has an operator that this script lacks: {name}')
        if operator['activation'] == 1:
            return functional.relu(result)
        return functional.relu6(result) if operator['activation'] == 3 else result


def convolution(operator, depthwise, inputs, weight, bias):
    padding = []
    for axis in (1, 0):  # the last dimension first
        extent, reach, stride = inputs.shape[2 + axis], weight.shape[2 + axis], operator['stride'][axis]
        total = max(0, (math.ceil(extent / stride) - 1) * stride + reach - extent) if operator['same'] else 0
        padding += [total // 2, total - total // 2]
    even = padding[0] == padding[1] and padding[2] == padding[3]
    if not even:
        inputs = functional.pad(inputs, padding)
    return functional.conv2d(inputs, weight, bias, operator['stride'], (padding[2], padding[0]) if even else 0, 1,
                             inputs.shape[1] if depthwise else 1)


def main():
    program, base, dataset = sys.argv[1:4]
    side = sys.argv[4] if len(sys.argv) > 4 else '96'
    steps = sys.argv[5] if len(sys.argv) > 5 else '200'
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run([program, base, dataset, '1', side, steps, folder], check=True, stdout=subprocess.DEVNULL)
        told = json.loads((pathlib.Path(folder) / 'network.json').read_text())
        file = pathlib.Path(folder) / 'numbers.bin'
        numbers = torch.from_file(str(file), size=file.stat().st_size // 4)
        compare(told, numbers, int(side))


def compare(told, numbers, side):
    def pictures(one, count):
        flat = numbers[one['at']:one['at'] + count * side * side * 3]
        return flat.reshape(count, side, side, 3).permute(0, 3, 1, 2).contiguous()

    network = Network(told, numbers)
    optimizer = torch.optim.AdamW(network.groups(), eps=1e-8)
    apart, seconds = [], 0
    for number, step in enumerate(told['steps']):
        inputs = pictures(step, told['batch'])
        targets = torch.tensor(step['targets']).reshape(told['batch'], told['labels'])
        before = time.process_time()
        for group in optimizer.param_groups:
            group['lr'] = step['rate']
        optimizer.zero_grad(set_to_none=True)
        loss = functional.cross_entropy(network(inputs), targets)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(network.parameters(), CLIP_NORM)
        optimizer.step()
        apart.append(abs(loss.item() - step['loss']))
        if number >= 2:
            seconds += time.process_time() - before
    with torch.no_grad():
        right = [network(pictures(one, 1)).argmax().item() == one['label'] for one in told['judged']]
    theirs = seconds * 1e3 / (len(told['steps']) - 2)
    print(json.dumps({
        'bench': 'train against PyTorch', 'engine': 'PyTorch ' + torch.__version__, 'side': side,
        'steps': len(told['steps']), 'validation': len(right),
        'accuracy': [round(told['accuracy'], 4), round(sum(right) / len(right), 4)],
        'loss_apart': [round(max(apart[:FIRST_STEPS]), 6), round(max(apart), 4)],
        'milliseconds': [round(told['milliseconds_per_step'], 1), round(theirs, 1)],
        'time_ratio': round(told['milliseconds_per_step'] / theirs, 3)}))


if __name__ == '__main__':
    main()
