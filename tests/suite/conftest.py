"""The suite in this process: in somebody else's repository, or in this one."""

from types import SimpleNamespace

import numpy as np
import pytest
from elsewhere import COSTLY, FAST, STEP, Xdist, made_up
from examples import make_record
from repository import ROOT

from bench.records import store
from bench.report import build
from bench.suite import run as suite_module


@pytest.fixture
def suite(tmp_path, monkeypatch, capsys):
    """Run the suite in a folder with a benchmark, a grid of one cell, and good records of another run in `out`."""
    monkeypatch.setenv("COLUMNS", "120")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(suite_module, "run_race", made_up)
    monkeypatch.setattr(build, "build", lambda folder: iter(["pages", *store.load(folder)[1]]))
    (tmp_path / "test_step.py").write_text(STEP)
    (tmp_path / "grid.toml").write_text('sizes = ["4-3-2"]\nbatch = [2]\n')
    (tmp_path / "out").mkdir()
    store.append(tmp_path / "out", make_record())

    def run(*options, first="--benchmark", plugin=None):
        without = [f"-pno:{name}" for name in COSTLY]
        command = ["--rootdir=.", "--import-mode=importlib", *without, *FAST, first, *options]
        status = pytest.main(command, plugins=[Xdist(), *([plugin] if plugin else [])])
        printed = capsys.readouterr()
        return status, printed.out, printed.err

    return run


@pytest.fixture
def here(monkeypatch, capsys, undrawn, few_passes):
    """Run pytest in this process, with pictures left out and few passes."""
    monkeypatch.chdir(ROOT)
    monkeypatch.setenv("COLUMNS", "120")

    def run(*options):
        with np.errstate():
            status = pytest.main([*(f"-pno:{name}" for name in COSTLY), *map(str, options)], plugins=[Xdist()])
        printed = capsys.readouterr()
        return SimpleNamespace(returncode=status, stdout=printed.out, stderr=printed.err)

    return run
