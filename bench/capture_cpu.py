#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""CPU that capturing costs, per frame at 30 frames a second.

usage: capture_cpu.py BOWERBIRD

A machine with one camera runs for SECONDS with capture and as long without, in turn, ROUNDS times; the
figure is the difference of the process's CPU time over the frames that lie in the capture folder
afterwards. Two cameras: a JPEG file of 100 KB, which is read for each frame, so that the rest is
what capturing itself costs; and the fake one, which draws and compresses each frame of 640x480.
"""
import json
import os
import pathlib
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time

ROUNDS, SECONDS, HERTZ, PICTURE_BYTES = 3, 4, 30, 100_000
TICKS = os.sysconf("SC_CLK_TCK")
# What the camera may miss in a run: ticks that pass during a read are left out.
LEAST_FRAMES = 0.8 * SECONDS * HERTZ


def config(camera, capture):
    method = {"method": "ReadImage", "capture_frequency_hz": HERTZ}
    if not capture:
        method["disabled"] = True
    return {
        "components": [{"name": "cam", "api": "rdk:component:camera", **camera, "service_configs": [
            {"type": "data_manager", "attributes": {"capture_methods": [method]}}]}],
        "services": [{"name": "data", "api": "rdk:service:data_manager", "attributes": {"sync_disabled": True}}],
    }


def cpu_seconds(pid):
    """Of all its threads, also those that have ended."""
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def frames_in(folder):
    """Each file of a camera's holds one picture."""
    return sum(len(files) for _, _, files in os.walk(folder))


def run(program, folder, camera, capture):
    """CPU seconds and frames of one run, counted once it has settled."""
    shutil.rmtree(folder, ignore_errors=True)
    os.makedirs(folder)
    file = os.path.join(folder, "machine.json")
    pathlib.Path(file).write_text(json.dumps(config(camera, capture)))
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    data, captured = os.path.join(folder, "data"), os.path.join(folder, "data", "capture")
    server = subprocess.Popen([program, "serve", "--role", "machine", "--config", file, "--data-dir", data, "--listen",
                               f"127.0.0.1:{port}"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        time.sleep(1.5)
        if server.poll() is not None:
            sys.exit("capture_cpu: the server does not start: run `bowerbird serve --role machine` to see why")
        frames, seconds = frames_in(captured), cpu_seconds(server.pid)
        time.sleep(SECONDS)
        return cpu_seconds(server.pid) - seconds, frames_in(captured) - frames
    finally:
        server.send_signal(signal.SIGTERM)
        server.wait()


def measure(program, folder, name, camera):
    per_frame, idle, counts = [], [], []
    for _ in range(ROUNDS):
        without, none = run(program, folder, camera, capture=False)
        with_capture, frames = run(program, folder, camera, capture=True)
        if none != 0 or frames < LEAST_FRAMES:
            sys.exit(f"capture_cpu: {frames} frames in {SECONDS} s with capture, {none} without")
        per_frame.append((with_capture - without) * 1000 / frames)
        idle.append(without / SECONDS * 100)
        counts.append(frames)
    print(json.dumps({"bench": name, "figure": round(statistics.median(per_frame), 3), "unit": "CPU ms a frame",
                      "least": round(min(per_frame), 3), "most": round(max(per_frame), 3), "frames": counts,
                      "hertz": HERTZ, "idle_cpu_percent": round(statistics.median(idle), 2)}), flush=True)


def main():
    program = sys.argv[1]
    folder = tempfile.mkdtemp(prefix="bowerbird-capture-", dir=os.environ.get("BOWERBIRD_BENCH_FOLDER"))
    try:
        picture = os.path.join(folder, "picture.jpg")
        content = pathlib.Path(__file__).parent.parent.joinpath("tests/hub/picture.jpg").read_bytes()
        # What follows the end of a JPEG is no part of the picture.
        pathlib.Path(picture).write_bytes(content + bytes(max(0, PICTURE_BYTES - len(content))))
        run_folder = os.path.join(folder, "run")
        measure(program, run_folder, "capture_file_camera",
                {"model": "image_file", "attributes": {"color_image_file_path": picture}})
        measure(program, run_folder, "capture_fake_camera",
                {"model": "fake", "attributes": {"animated": True, "width": 640, "height": 480}})
    finally:
        shutil.rmtree(folder)


if __name__ == "__main__":
    main()
