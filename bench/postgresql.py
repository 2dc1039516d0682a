#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Runs a command with a PostgreSQL server of its own, which is gone afterwards.

usage: postgresql.py COMMAND [ARGUMENT...]

The server's programs are those of Debian's package; its only way in is a socket in a temporary folder,
and BOWERBIRD_BENCH_POSTGRESQL names an empty database in it. The server keeps its defaults, so a commit
is synced. Exit status 3: PostgreSQL's server is not installed.
"""
import glob
import os
import pwd
import shutil
import subprocess
import sys
import tempfile
import time

NOT_INSTALLED = 3


def main():
    found = sorted(glob.glob("/usr/lib/postgresql/*/bin/initdb"))
    if not found:
        print("postgresql: the server is not installed: apt-get install postgresql", file=sys.stderr)
        return NOT_INSTALLED
    programs = os.path.dirname(found[-1])
    folder = tempfile.mkdtemp(prefix="bowerbird-postgresql-", dir=os.environ.get("BOWERBIRD_BENCH_FOLDER"))
    user = {}
    if os.getuid() == 0:  # it refuses to run as root
        entry = pwd.getpwnam("postgres")
        os.chown(folder, entry.pw_uid, entry.pw_gid)
        user = {"user": entry.pw_uid, "group": entry.pw_gid, "extra_groups": []}
    data = os.path.join(folder, "data")
    quiet = {"cwd": "/", "stdout": subprocess.DEVNULL, **user}
    server = None
    try:
        subprocess.run([os.path.join(programs, "initdb"), "-D", data, "-A", "trust", "-U", "bowerbird", "-E", "UTF8",
                        "--locale=C.UTF-8"], check=True, **quiet)
        server = subprocess.Popen([os.path.join(programs, "postgres"), "-D", data, "-k", folder, "-c", "listen_addresses="],
                                  stderr=subprocess.DEVNULL, **quiet)
        client = ["-h", folder, "-U", "bowerbird"]
        end = time.monotonic() + 60
        while subprocess.run([os.path.join(programs, "pg_isready"), "-q", "-h", folder]).returncode != 0:
            if server.poll() is not None or time.monotonic() > end:
                print("postgresql: the server does not start", file=sys.stderr)
                return 1
            time.sleep(0.1)
        subprocess.run([os.path.join(programs, "createdb"), *client, "bench"], check=True)
        location = f"postgresql:///bench?host={folder}&user=bowerbird"
        return subprocess.run(sys.argv[1:], env={**os.environ, "BOWERBIRD_BENCH_POSTGRESQL": location}).returncode
    finally:
        if server is not None:
            server.terminate()
            try:
                server.wait(30)
            except subprocess.TimeoutExpired:
                server.kill()
                server.wait()
        shutil.rmtree(folder)


if __name__ == "__main__":
    sys.exit(main())
