"""A Dask cluster of real processes on this machine."""

import json
import os
import subprocess
import sys
import time

from repository import ROOT

FEW_PASSES = "from bench.timing import schedule\nschedule.PASSES = (2, 2)\n"  # each is a process
ALONE = ("--nworkers", "1", "--nthreads", "1", "--no-nanny", "--preload", "few_passes.py")
OFFER = ("--resources", "race=1")  # of a worker that races


class Dask:
    """A scheduler, and workers of one process each."""

    def __init__(self, folder, allowed_failures=3):
        self.folder = folder
        self.processes = []
        self.settings = {"DASK_DISTRIBUTED__SCHEDULER__ALLOWED_FAILURES": str(allowed_failures)}
        (folder / "few_passes.py").write_text(FEW_PASSES)
        file = folder / "scheduler.json"
        self.start("scheduler", "--port", "0", "--scheduler-file", file)
        end = time.monotonic() + 30
        while not file.exists() and time.monotonic() < end:
            time.sleep(0.05)
        self.address = json.loads(file.read_text())["address"]

    def workers(self, count, *options, code=ROOT):
        """Start workers with this code of backprop and bench; they are returned once the scheduler knows them."""
        import distributed  # an extra

        started = [self.start("worker", self.address, *ALONE, *options, code=code) for _ in range(count)]
        with distributed.Client(self.address, set_as_default=False) as client:
            client.wait_for_workers(len(self.processes) - 1, timeout=30)
        return started

    def start(self, command, *options, code=ROOT):
        process = subprocess.Popen(
            [sys.executable, "-m", "dask", command, "--no-dashboard", *map(str, options)],
            cwd=self.folder,
            env={**os.environ, **self.settings, "PYTHONPATH": str(code)},
            stderr=(self.folder / "log").open("ab"),
        )
        self.processes.append(process)
        return process

    def stop(self):
        for process in self.processes:
            process.kill()
            process.wait()
