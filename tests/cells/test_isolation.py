"""What an engine raises, or changes in the process, is its own: no other engine and nothing of ours pays for it."""

import decimal
import locale
import os
import random
import signal
import sys
import warnings
from pathlib import Path

import numpy as np
import pytest
from stand_ins import made, race_here

from backprop import EngineError, load
from bench.cells import isolation
from bench.cells.cell import Cell
from bench.cells.datasets import Dataset
from bench.timing.training import train

CELL = Cell((4, 3, 2), 2)
FullMatrix = load("full_matrix")


class Stop(BaseException):
    """What some libraries raise to end a thread or a program."""


def raising(where, what, after=0):
    """An engine that raises in this method of its interface, once it has been called more often than `after`."""
    calls = []

    def act(self, *arguments):
        calls.append(None)
        if len(calls) > after:
            raise what
        return getattr(FullMatrix, where)(self, *arguments)

    return made("ends", type("Ends", (FullMatrix,), {where: act}))


def in_race(*contestants):
    record = race_here(CELL, contestants, seconds=0.1)
    return {result.name: result for result in record.contestants}


def in_training(*contestants):
    rng = np.random.default_rng(0)
    x, y = rng.random((8, 4)), np.eye(2)[np.arange(8) % 2]
    dataset = Dataset("made up", x, y, x, y)
    return list(train(contestants, CELL, dataset, eta=0.1, epochs=2, seed=0))


def state():
    return (
        np.geterr(),
        list(warnings.filters),
        warnings.showwarning,
        random.getstate(),
        np.random.get_state()[1].tolist(),
        Path.cwd(),
        dict(os.environ),
        signal.getsignal(signal.SIGINT),
        signal.getsignal(signal.SIGTERM),
        locale.setlocale(locale.LC_ALL),
        decimal.getcontext().prec,
        sys.stdout,
        sys.argv,
        sys.excepthook,
        sys.getrecursionlimit(),
    )


def change_all():
    np.seterr(all="raise")
    warnings.simplefilter("error")
    warnings.showwarning = print
    random.seed(1)
    np.random.seed(1)
    os.chdir("/")
    os.environ["PATH"] = ""
    os.environ["MINE"] = "1"
    os.environ.pop("HOME", None)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    locale.setlocale(locale.LC_ALL, "C")
    decimal.getcontext().prec = 3
    sys.stdout = None
    sys.argv = []
    sys.excepthook = None
    sys.setrecursionlimit(5000)


@pytest.mark.parametrize(
    ("where", "after", "what"),
    [
        *(("step", 50, what) for what in (SystemExit(0), SystemExit(), Stop("now"), GeneratorExit(), ValueError("no"))),
        *((where, 0, SystemExit(0)) for where in ("__init__", "step", "network")),
    ],
)
def test_an_engine_that_ends_the_program_is_left_out_and_the_others_are_raced(where, after, what):
    found = in_race(made("full_matrix", FullMatrix), raising(where, what, after))
    assert found["ends"].failed
    assert found["ends"].left_out.startswith(type(what).__name__)
    assert found["full_matrix"].seconds
    with pytest.raises(EngineError, match=f"^engine ends: {type(what).__name__}"):
        in_training(raising(where, what, min(after, 10)))


@pytest.mark.parametrize("run", [in_race, in_training])
def test_a_ctrl_c_is_a_ctrl_c(run):
    with pytest.raises(KeyboardInterrupt):
        run(raising("step", KeyboardInterrupt(), 5))


def test_where_ctrl_c_would_have_ended_the_process_an_interrupt_is_the_engines():
    before = signal.signal(signal.SIGINT, signal.SIG_DFL)
    try:
        assert in_race(raising("step", KeyboardInterrupt()))["ends"].left_out == "KeyboardInterrupt"
    finally:
        signal.signal(signal.SIGINT, before)


@pytest.mark.parametrize("run", [in_race, in_training])
@pytest.mark.parametrize("where", ["__init__", "step"])
def test_what_an_engine_changes_in_the_process_is_changed_for_it_alone(run, where):
    def act(self, *arguments):
        np.seterr(all="raise")
        warnings.simplefilter("error")
        getattr(FullMatrix, where)(self, *arguments)

    class Underflows(FullMatrix):
        def step(self, x, y, eta):
            assert np.exp(np.full(1, -800.0)) == 0
            np.log(np.zeros(1))  # warns
            super().step(x, y, eta)

    before = state()
    strict = made("strict", type("Strict", (FullMatrix,), {where: act}))
    with pytest.warns(RuntimeWarning, match="divide by zero"):
        found = run(strict, made("underflows", Underflows))
    assert found
    if run is in_race:
        assert not any(result.failed for result in found.values())
    assert state() == before


def test_an_engines_own_error_state_is_still_there_when_it_steps():
    seen = []

    class Strict(FullMatrix):
        def __init__(self, network):
            super().__init__(network)
            np.seterr(all="raise")

        def step(self, x, y, eta):
            seen.append(np.geterr()["under"])
            super().step(x, y, eta)

    in_race(made("strict", Strict))
    assert set(seen) == {"raise"}


def test_all_that_is_changed_is_put_back(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    before = state()
    with pytest.raises(SystemExit):
        isolation.apart(lambda: (change_all(), sys.path.insert(0, "/nowhere"), sys.exit()))
    assert state() == before
    assert sys.path.pop() == "/nowhere"  # behind all else: it may be imported from later
