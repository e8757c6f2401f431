"""A small grid and a sweep of it with made-up records, and a sweep on a cluster."""

import json

import pytest
from sweeps import QUICK, fake_race

from bench.report import build
from bench.sweep import run as sweep_run


@pytest.fixture
def grid_file(tmp_path):
    path = tmp_path / "grid.toml"
    path.write_text('sizes = ["4-3-2"]\nbatch = [1, 2, 3, 4]\n')
    return path


@pytest.fixture
def sweep_of(call, tmp_path, grid_file, monkeypatch):
    """Run the command with made-up records and without a report, into the folder `out`."""
    monkeypatch.setattr(sweep_run, "race", fake_race)
    monkeypatch.setattr(build, "build", lambda folder: iter(()))

    def run(*more, engines="per_sample,full_matrix", out=tmp_path / "out"):
        return call("sweep", "--grid", grid_file, "--engines", engines, "--out", out, *more)

    return run


@pytest.fixture
def sweep_on(call, tmp_path, monkeypatch):
    """Run the command on the scheduler of this address, without a report, into the folder `out`."""
    monkeypatch.setattr(build, "build", lambda folder: iter(()))
    sizes = [f"{n}-3-2" for n in range(3, 9)]
    (tmp_path / "grid.toml").write_text(f"sizes = {json.dumps(sizes)}\nbatch = [2]\n")

    def run(address, *more, engines="full_matrix"):
        command = ("sweep", "--grid", tmp_path / "grid.toml", "--out", tmp_path / "out", "--dask", address, *QUICK)
        return call(*command, "--engines", engines, *more)

    return run
