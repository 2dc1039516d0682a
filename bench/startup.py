#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Start to first answer, idle memory, and size of the program.

usage: startup.py BOWERBIRD MODEL.tflite PICTURE.jpg

Starts the server with one model and a vision service, sends the picture over gRPC-Web as soon as the
port answers, and takes the time from exec to the first answer. Then waits, and reads the resident
memory. Seven rounds; one line of JSON a figure.
"""
import http.client
import json
import os
import pathlib
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time

ROUNDS = 7


def field(number, payload):
    """One length-delimited protobuf field."""
    length, out = len(payload), bytearray([number << 3 | 2])
    while length > 127:
        out.append(length & 127 | 128)
        length >>= 7
    out.append(length)
    return bytes(out) + payload


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def call(port, path, message):
    """One unary gRPC-Web call; True if its status is OK."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
    body = b"\0" + len(message).to_bytes(4, "big") + message
    connection.request("POST", path, body, {"content-type": "application/grpc-web+proto", "x-grpc-web": "1"})
    answer = connection.getresponse().read()
    return b"grpc-status: 0" in answer or b"grpc-status:0" in answer


def first_answer(program, config, data_dir, picture):
    """Seconds from exec to the first detections, and the resident megabytes afterwards."""
    port = free_port()
    request = field(1, b"finder") + field(2, picture) + field(5, b"image/jpeg")
    start = time.perf_counter()
    server = subprocess.Popen([program, "serve", "--config", config, "--data-dir", data_dir, "--listen", f"127.0.0.1:{port}"],
                              stderr=subprocess.DEVNULL)
    try:
        while True:
            if time.perf_counter() - start > 30 or server.poll() is not None:
                sys.exit("startup.py: the server gave no answer within 30 s")
            try:
                if call(port, "/viam.service.vision.v1.VisionService/GetDetections", request) or \
                   call(port, "/viam.service.vision.v1.VisionService/GetClassifications", request):
                    break
            except OSError:
                pass
            time.sleep(0.002)
        seconds = time.perf_counter() - start
        time.sleep(1)
        status = pathlib.Path(f"/proc/{server.pid}/status").read_text()
        rss = next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmRSS")) / 1024
    finally:
        server.terminate()
        server.wait()
    return seconds, rss


def report(name, unit, values, bar, **more):
    figure = statistics.median(values)
    print(json.dumps({"bench": name, "unit": unit, "figure": round(figure, 4), "bar": bar, "holds": figure <= bar,
                      "min": round(min(values), 4), "max": round(max(values), 4), **more}), flush=True)


def main():
    if len(sys.argv) != 4:
        sys.exit(__doc__)
    program, model, picture = sys.argv[1:]
    with tempfile.TemporaryDirectory() as folder:
        config = os.path.join(folder, "machine.json")
        pathlib.Path(config).write_text(json.dumps({"services": [
            {"name": "model", "api": "rdk:service:mlmodel", "model": "tflite_cpu",
             "attributes": {"model_path": os.path.abspath(model), "instances": 1}},
            {"name": "finder", "api": "rdk:service:vision", "model": "mlmodel", "attributes": {"mlmodel_name": "model"}}]}))
        data_dir = os.path.join(folder, "data")
        jpeg = pathlib.Path(picture).read_bytes()
        first, _ = first_answer(program, config, data_dir, jpeg)
        rounds = [first_answer(program, config, data_dir, jpeg) for _ in range(ROUNDS)]
        report("start_to_first_answer", "seconds", [r[0] for r in rounds], 0.5, model=os.path.basename(model), very_first=round(first, 3))
        report("idle_memory", "MB resident", [r[1] for r in rounds], 80, model=os.path.basename(model))
        stripped = os.path.join(folder, "stripped")
        shutil.copy(program, stripped)
        subprocess.run(["strip", stripped], check=True)
        library = pathlib.Path(program).resolve().parent.parent / "lib" / "libtensorflowlite_c.so"
        size = os.path.getsize(stripped) / 2**20
        report("stripped_program", "MB", [size], 40, runtime_library_mb=round(library.stat().st_size / 2**20, 1) if library.exists() else None)


main()
