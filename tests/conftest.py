"""A record as a race or the gate would have written it, and a repository to change: for the tests downstream."""

import os
import re
import shutil
import subprocess
import sys
import tempfile
from base64 import b64decode
from io import StringIO
from pathlib import Path
from time import perf_counter

import msgspec
import numpy as np
import pytest
from rich.console import Console

from backprop import InputError, load, names
from bench.analysis.intervals import Estimate
from bench.cells import revisions
from bench.cells.cell import Cell
from bench.cells.entry import Entry
from bench.cli import main as cli
from bench.gate.findings import Finding, GateRecord
from bench.records.environment import Environment, Pool
from bench.records.record import SCHEMA, Noise, Record, Result
from bench.records.training_record import EngineTraining, Training
from bench.report.figures import save
from bench.terminal.console import show
from bench.timing import one_pass, schedule
from bench.timing.race import Job, race

ROOT = Path(__file__).parents[1]

# Of pytest-xdist's, which runs these tests side by side: a suite that a test starts is nobody's worker, and is timed.
for name in [name for name in os.environ if name.startswith("PYTEST_XDIST")]:
    del os.environ[name]

ENVIRONMENT = Environment(
    cpu="Test CPU",
    cores=2,
    governor=None,
    os="Linux",
    python="CPython 3.11.0",
    packages={"numpy": "2.0.0"},
    revision="0" * 40,
    dirty=False,
    allocator="pinned",
    blas=[Pool("openblas", "0.3", "SkylakeX", 1, "numpy.libs")],
)


def make_record(batch=10, speedup=4.0, hidden="30", noise=0.01, failed=None, slow=None, **cell):
    """A record of per_sample and full_matrix, `speedup` apart, with a little made-up spread between passes."""
    rng = np.random.default_rng(batch)
    sizes = (784, *(int(n) for n in hidden.split("-") if n), 10)

    def slices(seconds):
        return [[float(f"{seconds * np.exp(noise * rng.normal()):.6g}") for _ in range(4)] for _ in range(8)]

    fast = 1e-5 * batch
    contestants = [
        Result("per_sample", slices(fast * speedup), 3, 1e-16, 1000 * batch),
        Result("full_matrix", slices(fast), 7, 2e-16, 2000 * batch, after="per_sample"),
    ]
    if failed:
        contestants.append(Result("wrong", left_out=failed, failed=True))
    if slow:
        contestants[0] = Result("per_sample", left_out=slow)
    twin = Noise("full_matrix", slices(fast))
    started = "2026-01-02T03:04:05+00:00"
    return Record(SCHEMA, Cell(sizes, batch, **cell), contestants, twin, ENVIRONMENT, started, 4.0, apart=True)


def make_timed_record(cell, seconds, **environment):
    """A record of engines that take these seconds, the same in every slice."""
    contestants = [Result(name, [[taken] * 2] * 5, 3, 1e-16, 1000) for name, taken in seconds.items()]
    environment = msgspec.structs.replace(ENVIRONMENT, **environment)
    twin = Noise(contestants[-1].name, contestants[-1].seconds)
    return Record(SCHEMA, cell, contestants, twin, environment, "2026-01-02T03:04:05+00:00", 4.0, apart=True)


@pytest.fixture(scope="module", params=names())
def engine(request):
    """Each built-in engine that can be had here."""
    try:
        return load(request.param)
    except InputError as error:
        pytest.skip(str(error))


def made(name, make):
    """An entry whose engine is made by this factory of the test's own."""
    entry = Entry(name, name)
    vars(entry)["make"] = make  # where it is kept once it is imported
    return entry


def race_here(cell, contestants, *, clock=perf_counter, seconds=1.0, floor=False, seed=0, **more):
    """A race whose every pass is run in this process, by these contestants and this clock."""
    return race(
        Job(cell, list(contestants), seconds, floor, pin=False),
        rng=np.random.default_rng(seed),
        in_process=lambda job, _: one_pass.run(job, clock),
        clock=clock,
        **more,
    )


class Clock:
    """A clock that only moves when it is told to."""

    now = 0.0

    def __call__(self):
        return self.now


def paced(clock, name, seconds, base=None):
    """An engine whose every step takes so many seconds of the clock."""

    class Paced(base or load("full_matrix")):
        def step(self, x, y, eta):
            super().step(x, y, eta)
            clock.now += seconds

    return made(name, Paced)


def with_pictures(html):
    """The page's text, and instead of each picture's data its SVG."""
    return re.sub(r"data:image/svg\+xml;base64,([^\"]+)", lambda found: b64decode(found[1]).decode(), html)


def make_training(batch, seed, engines, limit=100, eta=3.0, target=0.9, environment=ENVIRONMENT, **cell):
    """A training record of engines {name: (seconds of an epoch, epochs to the target or None)}, to the last of them."""
    last = max(epochs or limit for _, epochs in engines.values())
    trained = []
    for name, (seconds, epochs) in engines.items():
        accuracy = [target if epochs and n >= epochs else 0.5 for n in range(1, last + 1)]
        trained.append(EngineTraining(name, [seconds] * last, accuracy, epochs))
    cell = Cell((784, 30, 10), batch, data="mnist5k", **cell)
    return Training(1, cell, eta, seed, target, limit, trained, environment, "2026-01-02T03:04:05+00:00", 4.0)


LADDER = {  # microseconds for each sample of a batch, and the engine that it changes
    "per_sample": (40.0, None),
    "full_matrix": (10.0, "per_sample"),
    "in_place": (8.0, "full_matrix"),
    "fused": (4.0, "in_place"),
    "torch_eager": (40.0, None),
    "jax_jit": (12.0, None),
}
PEERS = ("torch_eager", "jax_jit")


def make_ladder_record(batch=10, hidden="30", floor=2.5, noise=0.001, engines=LADDER, **cell):
    """A record of the ladder, two peers and the floor (microseconds for each sample)."""
    rng = np.random.default_rng(batch)

    def slices(micros):
        return [[1e-6 * batch * micros * float(np.exp(noise * rng.normal())) for _ in range(4)] for _ in range(8)]

    contestants = [
        Result(
            name,
            slices(micros),
            3,
            1e-16,
            None if name in PEERS else 1000 * batch,
            after=after,
            first_step_seconds=1.5,
        )
        for name, (micros, after) in engines.items()
    ]
    sizes = (784, *(int(n) for n in hidden.split("-")), 10)
    twin = Noise(contestants[-1].name, contestants[-1].seconds)
    ground = Result("floor", slices(floor), 9) if floor else None
    started = "2026-01-02T03:04:05+00:00"
    return Record(SCHEMA, Cell(sizes, batch, **cell), contestants, twin, ENVIRONMENT, started, 4.0, ground, apart=True)


@pytest.fixture
def temporary(monkeypatch, tmp_path_factory):
    """A temporary folder of the test's own, also for its child processes: other runs' locks of cores are not there."""
    folder = tmp_path_factory.mktemp("temporary")
    monkeypatch.setenv("TMPDIR", str(folder))
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    return folder


@pytest.fixture
def few_passes(monkeypatch):
    """A race takes two passes, the fewest with an interval: each is a process."""
    monkeypatch.setattr(schedule, "PASSES", (2, 2))


@pytest.fixture
def call(monkeypatch, capsys, temporary, few_passes):
    """Run a command line; returns its exit status, its output and its errors."""
    monkeypatch.setenv("COLUMNS", "100")

    def run(*arguments):
        monkeypatch.setattr(sys, "argv", ["backprop-bench", *map(str, arguments)])
        with pytest.raises(SystemExit) as exit_:
            cli.main()
        printed = capsys.readouterr()
        return exit_.value.code, printed.out, printed.err

    return run


@pytest.fixture
def undrawn(monkeypatch):
    """Every figure is made and has its files, without content: to draw them is most of a report's time."""
    monkeypatch.setattr(save, "encode", lambda figure, form, transparent=False: b"")


def leave_out_png(monkeypatch):
    encode = save.encode
    monkeypatch.setattr(
        save, "encode", lambda figure, form, **more: b"" if form == "png" else encode(figure, form, **more)
    )


@pytest.fixture
def without_png(monkeypatch):
    """Every figure is drawn as SVG, which tells its words; the PNG of the same figure is empty."""
    leave_out_png(monkeypatch)


@pytest.fixture
def record():
    return make_record


@pytest.fixture
def grid_records():
    """A small grid of records: three batch sizes, two widths."""
    return [
        make_record(batch, speedup=0.8 * batch**0.5, hidden=hidden) for hidden in ("10", "30") for batch in (1, 10, 100)
    ]


class Repository:
    """A git repository of its own with this project's packages and two of its engines, to change and to commit in."""

    def __init__(self, folder):
        self.folder = folder
        for package in ("backprop", "bench"):
            shutil.copytree(ROOT / package, folder / package, ignore=shutil.ignore_patterns("__pycache__"))
        for path in (folder / "backprop" / "engines").iterdir():
            if path.stem not in ("__init__", "full_matrix", "per_sample"):
                path.unlink()
        shutil.copy(ROOT / "pyproject.toml", folder)
        self.git("init", "--quiet", "--initial-branch=main")
        self.commit()

    def git(self, *arguments):
        identity = ("-c", "user.name=test", "-c", "user.email=test@localhost")
        command = ["git", *identity, *arguments]
        done = subprocess.run(command, cwd=self.folder, check=True, capture_output=True, text=True)
        return done.stdout.strip()

    def commit(self):
        self.git("add", "--all")
        self.git("commit", "--quiet", "--allow-empty", "--message", "a change")
        return self.git("rev-parse", "HEAD")

    def engine(self, name):
        return self.folder / "backprop" / "engines" / f"{name}.py"

    def edit(self, path, old, new):
        text = (self.folder / path).read_text()
        assert old in text
        (self.folder / path).write_text(text.replace(old, new))

    def change(self, path):
        """A change of the code that makes no difference."""
        with (self.folder / path).open("a") as file:
            file.write("CHANGED = True\n")


@pytest.fixture
def repository(tmp_path, monkeypatch):
    """A repository that stands in for this one wherever revisions are concerned."""
    made = Repository(tmp_path / "repository")
    monkeypatch.setattr(revisions, "PACKAGE", made.folder / "backprop")
    return made


def make_finding(engine="full_matrix", verdict="unchanged", slowdown=1.0, half=1.01, batch=10, why=None, slower=False):
    slices = {arm: [[1e-4, 1.1e-4]] for arm in ("change", "base", "twin")}
    estimate = Estimate(slowdown, slowdown / half, slowdown * half)
    noise = Estimate(1.001, 0.99, 1.012)
    return Finding(engine, Cell((784, 30, 10), batch), verdict, estimate, noise, 0.03, why, slower, 2, slices)


def text(parts, width=80):
    """What is printed, in a terminal so wide."""
    screen = Console(file=StringIO(), width=width)
    show(parts, screen)
    return screen.file.getvalue()


def make_gate_record(*findings, standings=()):
    """What a run of the gate would have found."""
    started = "2026-01-02T03:04:05+00:00"
    return GateRecord(
        1, "main", "c" * 40, 0.02, 180.0, 0.01, list(findings), list(standings), ENVIRONMENT, started, 61.2
    )
