#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""COCO export of a million boxes out of a running hub, with the exporting process's peak memory.

usage: data_export.py BOWERBIRD BENCH_DATA_FILL FOLDER

A hub gets a generated table (rows alone, so pictures are left out): ten boxes on each of 100,000 items,
which the bar of seconds is for, then one on each of 1,000,000. `bowerbird data export --annotations-only`
writes it three times; the floor is the same bytes written to a new file on the same disk, with a sync.
Then pictures: 2,000 files of 100 KB, exported once and once again. One line of JSON a figure.
"""
import json
import os
import pathlib
import random
import shutil
import socket
import sqlite3
import statistics
import subprocess
import sys
import time

DATASET = "0123456789abcdef01234567"  # bench/data_table.h
ROUNDS = 3
BAR_SECONDS, BAR_MEGABYTES = 10, 64
PICTURES, PICTURE_BYTES = 2000, 100_000


class Hub:
    """A hub on a folder of its own, stopped at the end of the block."""

    def __init__(self, program, folder):
        self.program, self.folder = program, folder

    def __enter__(self):
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        self.host = f"http://127.0.0.1:{port}"
        self.server = subprocess.Popen(
            [self.program, "serve", "--role", "hub", "--data-dir", self.folder, "--listen", f"127.0.0.1:{port}"],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        end = time.monotonic() + 60
        while True:
            try:
                socket.create_connection(("127.0.0.1", port), timeout=1).close()
                return self
            except OSError:
                if self.server.poll() is not None or time.monotonic() > end:
                    self.__exit__()
                    sys.exit("data_export: the hub does not start: run `bowerbird serve --role hub` to see why")
                time.sleep(0.02)

    def __exit__(self, *_):
        self.server.terminate()
        self.server.wait()

    def run(self, *arguments):
        """Seconds, peak megabytes, and what it printed as JSON."""
        start = time.perf_counter()
        child = subprocess.Popen([self.program, *arguments, "--json", "--host", self.host], stdout=subprocess.PIPE)
        out = child.stdout.read()
        _, status, usage = os.wait4(child.pid, 0)
        child.returncode = os.waitstatus_to_exitcode(status)
        if child.returncode != 0:
            sys.exit(f"data_export: {arguments[0]} {arguments[1]} ended with {child.returncode}: {out.decode()}")
        return time.perf_counter() - start, usage.ru_maxrss / 1024, json.loads(out)


def server_peak(pid):
    """Megabytes."""
    for line in pathlib.Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmHWM"):
            return int(line.split()[1]) / 1024
    return 0


def copy_seconds(source, target):
    """The same bytes to a new file, synced; they come out of the page cache."""
    times = []
    for _ in range(ROUNDS):
        start = time.perf_counter()
        with open(source, "rb") as read, open(target, "wb") as file:
            shutil.copyfileobj(read, file, 1 << 20)
            file.flush()
            os.fsync(file.fileno())
        times.append(time.perf_counter() - start)
        os.remove(target)
    return statistics.median(times)


def report(name, value, unit, bar=None, **more):
    line = {"bench": name, "figure": round(value, 3), "unit": unit, **more}
    if bar is not None:
        line |= {"bar": bar, "holds": value <= bar}
    print(json.dumps(line), flush=True)


def boxes_in(path):
    """Of the file that was written, read back as any other tool would. In a process of its own: a child
    counts the memory of who started it as its own peak, so this one stays small."""
    count = "import json, sys; print(len(json.load(open(sys.argv[1], encoding='utf-8'))['annotations']))"
    return int(subprocess.run([sys.executable, "-c", count, path], stdout=subprocess.PIPE, check=True).stdout)


def million_boxes(program, fill, folder, items, has_bar):
    with Hub(program, folder):
        pass  # makes the database and its organization
    database = os.path.join(folder, "hub", "bowerbird.db")
    connection = sqlite3.connect(database)
    (organization,) = connection.execute("SELECT org FROM fleet_local").fetchone()
    connection.close()
    boxes = 1_000_000 // items
    subprocess.run([fill, "sqlite:" + database, organization, str(items), str(boxes)], check=True)
    name = f"data_export_{items // 1000}k_items"
    with Hub(program, folder) as hub:
        seconds, peaks = [], []
        for number in range(ROUNDS):
            out = os.path.join(folder, f"out{number}")
            taken, peak, told = hub.run("data", "export", "--dataset-id", DATASET, "--destination", out,
                                        "--annotations-only")
            if told["items"] != items:
                sys.exit(f"data_export: {told['items']} of {items} items were exported: {told['problems'][:3]}")
            seconds.append(taken)
            peaks.append(peak)
        written = os.path.join(folder, "out0", "annotations", "instances.json")
        if boxes_in(written) != 1_000_000:
            sys.exit("data_export: boxes are missing in the file that was written")
        report(name, statistics.median(seconds), "seconds", BAR_SECONDS if has_bar else None, slowest=round(max(seconds), 3),
               megabytes=round(os.path.getsize(written) / 1e6, 1),
               floor_seconds=round(copy_seconds(written, os.path.join(folder, "floor")), 3))
        report(name + "_memory", max(peaks), "MB of the exporting process, peak",
               BAR_MEGABYTES, hub_peak=round(server_peak(hub.server.pid), 1))


def pictures(program, folder):
    """With their content: once, and once more over what is there."""
    source, out = os.path.join(folder, "source"), os.path.join(folder, "out")
    os.makedirs(source)
    noise = random.Random(1)
    for number in range(PICTURES):
        # A header that says 8x8 pixels, so that the hub takes it for a picture, before noise.
        head = b"BM" + PICTURE_BYTES.to_bytes(4, "little") + bytes(4) + (54).to_bytes(4, "little")
        head += (40).to_bytes(4, "little") + (8).to_bytes(4, "little") * 2 + b"\1\0\x18\0" + bytes(24)
        pathlib.Path(source, f"{number}.bmp").write_bytes(head + noise.randbytes(PICTURE_BYTES - len(head)))
    with Hub(program, os.path.join(folder, "data")) as hub:
        hub.run("data", "import", source)
        first, peak, told = hub.run("data", "export", "--destination", out)
        again, _, kept = hub.run("data", "export", "--destination", out)
        if (told["fetched"], kept["kept"]) != (PICTURES, PICTURES):
            sys.exit(f"data_export: pictures are missing: {told}, {kept}")
        report("data_export_pictures", PICTURES / first, "pictures of 100 KB a second", peak_mb=round(peak, 1),
               again_seconds=round(again, 3))


def main():
    program, fill, folder = sys.argv[1:4]
    for items in (100_000, 1_000_000):
        part = os.path.join(folder, str(items))
        os.makedirs(part)
        million_boxes(program, fill, part, items, has_bar=items == 100_000)
        shutil.rmtree(part)
    part = os.path.join(folder, "pictures")
    os.makedirs(part)
    pictures(program, part)
    shutil.rmtree(part)


if __name__ == "__main__":
    main()
