"""The suite under pytest: `pytest --benchmark` races a grid, through the `race` fixture, over pytest-benchmark.

Plain `pytest` checks every contestant in each cell of the smoke grid, untimed. Loaded by this repository's
pyproject.toml alone: installing the package changes no other project's pytest.
"""

from __future__ import annotations

import time
from argparse import BooleanOptionalAction
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

import numpy as np
import pytest
from pytest_benchmark.fixture import BenchmarkFixture

from backprop import InputError
from backprop.check import verify
from backprop.packages import needed_by

from . import entry, figures, grid, outputs, pytest_options, records, sweep_folder, words
from .confined import end_children, kept
from .course import prepare
from .grid import EPOCH_SHARE, Cell
from .lane import Lane, attempt
from .pytest_table import Ending, hand_over
from .race import Job, check_seconds
from .race import race as run_race
from .records import Record, Result
from .streams import Patient
from .terminal import refusal, screen, show

PACKAGE = Path(__file__).parent
SUITE = pytest.StashKey["Suite"]()


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("backprop-bench")
    group.addoption("--benchmark", action="store_true", help="Run the benchmark suite, and only it, timed.")
    group.addoption("--grid", help="smoke, default, full, gate, or a .toml file (default: 'default', untimed 'smoke').")
    engines = "per_sample,full_matrix,in_place,fused"
    group.addoption(
        "--engines", "--engine", default=engines, help=f"Engines to race: names or .py files (default: {engines})."
    )
    group.addoption("--cell-seconds", type=float, default=3.5, help="Time to race for in each cell (default: 3.5).")
    group.addoption("--results", help="Folder for records, table and plots (default: results/latest).")
    floor_help = "Race the floor, the products of a step alone (default: do)."
    group.addoption("--floor", action=BooleanOptionalAction, default=True, help=floor_help)
    group.addoption(
        "--allocator", choices=["pinned", "default"], default="pinned", help="Pin glibc's thresholds or not."
    )


@pytest.hookimpl(tryfirst=True)  # before pytest-benchmark reads its options
def pytest_configure(config: pytest.Config) -> None:
    option = config.option
    if option.benchmark:
        config.addinivalue_line("filterwarnings", "default")  # a user's engine that warns is no failed test
    timed = option.benchmark or option.benchmark_only or option.benchmark_enable
    try:
        suite = Suite(config, option.grid or ("default" if timed else "smoke"), timed)
        if pytest_options.recording(option):
            if option.results == "":
                raise InputError("--results is empty: name a folder, or leave it out")
            folder = Path(option.results or config.rootpath / "results" / "latest")
            pytest_options.check(config, folder)
            suite.claim(folder)
    except InputError as error:
        pytest.exit(str(error), returncode=2)
    except (OSError, MemoryError) as error:
        pytest.exit(refusal(error), returncode=2)
    config.add_cleanup(end_children)
    config.stash[SUITE] = suite
    config.pluginmanager.register(suite)
    config.pluginmanager.register(suite.ending)


@pytest.fixture
def race(
    request: pytest.FixtureRequest, benchmark: BenchmarkFixture, pytestconfig: pytest.Config
) -> Callable[[Cell], None]:
    """Race the suite's contestants in a cell; each becomes a row of pytest-benchmark's group for the cell."""
    suite = pytestconfig.stash[SUITE]
    benchmark._mode = "race"  # in use from now on: an interrupted race is no unused fixture
    asked: list[Cell] = []

    def check_or_race(cell: Cell) -> None:
        if not isinstance(cell, Cell):
            pytest.fail(f"race takes a bench.grid.Cell, such as Cell((784, 30, 10), 10), not {cell!r}", pytrace=False)
        if not cell_of(request.node) or asked:
            pytest.fail(
                "a test races once, in the cell that is its parameter: def test_mine(race, cell): race(cell)",
                pytrace=False,
            )
        asked.append(cell)
        try:
            suite.race(cell, benchmark) if suite.timed and not benchmark.disabled else suite.check(cell)
        except (OSError, MemoryError) as error:
            pytest.exit(refusal(error), returncode=2)
        except InputError as error:  # data that can't be had: nobody's traceback
            pytest.fail(str(error), pytrace=False)
        except KeyboardInterrupt:  # CPython may have no line number for where it fell, and pytest's summary needs one
            raise KeyboardInterrupt from None

    return check_or_race


def cell_of(item: pytest.Item) -> Cell | None:
    """The cell that a test is to race in, by its parameter `cell`."""
    cell = getattr(item, "callspec", None) and item.callspec.params.get("cell")  # type: ignore[attr-defined]
    return cell if "race" in getattr(item, "fixturenames", ()) and isinstance(cell, Cell) else None


class Suite:
    """One run of the suite: what is raced over what, how far it has come, and where its records go."""

    def __init__(self, config: pytest.Config, grid_name: str, timed: bool) -> None:
        self.config = config
        self.timed = timed
        self.cells = grid.load(grid_name)
        self.entries = entry.resolve(entry.addresses(config.option.engines))
        self.seconds: float = config.option.cell_seconds
        check_seconds(self.seconds)
        self.folder: Path | None = None
        self.set_aside: Path | None = None
        self.ending = Ending(lambda: self.spent > 0)
        self.budgets: list[float] = []  # of the races to come, this one first
        self.total = 0
        self.spent = 0.0
        self.spent_budget = 0.0

    def claim(self, folder: Path) -> None:
        """Make sure of the folder for the records, and keep it from others until pytest ends."""
        stack = ExitStack()
        self.config.add_cleanup(stack.close)
        stack.enter_context(outputs.locked(folder))
        if (folder / sweep_folder.FILE).exists():
            raise InputError(f"{folder} holds a sweep: name another folder with --results")
        if aside := records.aside(folder):
            if any(place.is_relative_to(folder.resolve()) for place in (Path.cwd(), self.config.rootpath)):
                raise InputError(f"{folder} holds records, and what is worked in: name another folder with --results")
            with outputs.made(aside):
                pass
        self.folder = folder

    def record(self, record: Record) -> None:
        """Put the record into the folder; before the first, those of another run are set aside."""
        if not self.folder:
            return
        if not self.spent:
            try:
                self.set_aside = records.set_aside(self.folder)
            except InputError as error:
                pytest.exit(str(error), returncode=2)
        append_or_exit(self.folder, record)

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionstart(self) -> None:
        reporter = self.config.pluginmanager.get_plugin("terminalreporter")
        if reporter and self.timed:
            reporter._tw._file = Patient(reporter._tw._file)

    def pytest_ignore_collect(self, collection_path: Path) -> bool | None:
        """With --benchmark, look nowhere but among the benchmarks; in another repository these may be anywhere."""
        if not self.config.option.benchmark or self.config.rootpath != PACKAGE.parent:
            return None
        return True if collection_path.is_file() and not collection_path.is_relative_to(PACKAGE) else None

    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        """With --benchmark, run nothing but benchmarks."""
        others = [item for item in items if "benchmark" not in getattr(item, "fixturenames", ())]
        if self.config.option.benchmark and others:
            items[:] = [item for item in items if item not in others]
            self.config.hook.pytest_deselected(items=others)

    def pytest_generate_tests(self, metafunc: pytest.Metafunc) -> None:
        """Give each benchmark that leaves its cell open every cell of the grid."""
        marks = metafunc.definition.iter_markers("parametrize")
        given = {name for mark in marks for name in _names(*mark.args, **mark.kwargs)}
        if {"race", "cell"} <= set(metafunc.fixturenames) and "cell" not in given:
            metafunc.parametrize("cell", self.cells, ids=lambda cell: cell.id)

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        self.budgets = [self.budget(cell) for item in session.items if (cell := cell_of(item))]
        self.total = len(self.budgets)
        reporter = self.config.pluginmanager.get_plugin("terminalreporter")
        if reporter and self.config.option.benchmark:
            reporter.showfspath = False  # each race writes a line of its own

    def budget(self, cell: Cell) -> float:
        return self.seconds * (1 if cell.data == "random" else EPOCH_SHARE)

    def check(self, cell: Cell) -> None:
        """Each contestant's gradient in this cell, untimed."""
        course = prepare(cell, np.random.default_rng())
        lanes = [Lane(one.name, one.make) for one in self.entries]
        with kept():
            for lane in lanes:
                attempt(lane, verify, lane.fresh, course.network, course.x, course.y, cell.batch)
        fail_by([lane for lane in lanes if lane.failed])

    def race(self, cell: Cell, benchmark: BenchmarkFixture) -> None:
        """Race in this cell, record it, and hand the slices to pytest-benchmark."""
        budget = self.budgets.pop(0)
        start = time.monotonic()
        head = f"[{self.total - len(self.budgets):{len(str(self.total))}}/{self.total}] {cell.id}"
        with self.terminal() as live:
            live(f"{head}  racing")
            option = self.config.option
            job = Job(cell, self.entries, budget, option.floor, option.allocator == "pinned")
            record = run_race(job, progress=lambda share: live(f"{head}  racing {share:.0%}"))
            self.record(record)
            self.spent += time.monotonic() - start
            self.spent_budget += budget
            left = sum(self.budgets) * self.spent / self.spent_budget
            live(f"{head}  {words.outcome(record)}  {left // 60:.0f}:{left % 60:02.0f} left", end="\n")
        for result in record.contestants:
            if result.seconds:
                hand_over(benchmark, cell, result)
        fail_by(record.failures)

    @contextmanager
    def terminal(self) -> Iterator[Callable[..., None]]:
        """A function that writes a line over the one before it, on the real terminal, past pytest's capture.

        Where there is no terminal, only lines that end are written.
        """
        reporter = self.config.pluginmanager.get_plugin("terminalreporter")
        capture = self.config.pluginmanager.get_plugin("capturemanager")

        def live(line: str, end: str = "") -> None:
            if reporter and capture and reporter.verbosity >= 0 and (reporter.isatty or end):
                with capture.global_and_fixture_disabled():
                    reporter.rewrite(line, erase=reporter.isatty)
                    reporter.write(end)
                    reporter.flush()

        yield live

    def pytest_report_teststatus(self, report: pytest.TestReport) -> tuple[str, str, str] | None:
        """No dot for a race that went well: its own line has said more."""
        timed = self.total and report.when == "call" and report.passed and self.spent
        return ("passed", "", "PASSED") if timed else None

    @pytest.hookimpl(wrapper=True, tryfirst=True)  # after pytest-benchmark's table, also where its compare fails
    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> Generator[None, object, object]:
        try:
            yield
        except Exception as error:
            self.ending.tell(error)
        if self.folder and self.spent:
            try:
                self.summarise(self.folder, terminalreporter)
            except InputError as error:  # a full disk: the records are whole
                self.ending.tell(error)
        for told in self.ending.told:
            terminalreporter.write_line(told, red=True)
        return None

    def summarise(self, folder: Path, reporter: pytest.TerminalReporter) -> None:
        """Table and plots from what was recorded. Imports pandas and matplotlib, now that nothing is timed."""
        with needed_by("the report"):
            figures.load_matplotlib()
            from . import report

        reporter.section("backprop-bench")
        console = screen(reporter._tw._file, reporter.hasmarkup)
        show(report.build(folder), console)
        if self.set_aside:
            show([f"the records that were there before: {self.set_aside}"], console)


def _names(argnames: str | Sequence[str], *_: object, **__: object) -> Sequence[str]:
    """The parameters that a parametrize mark gives."""
    return [name.strip() for name in argnames.split(",")] if isinstance(argnames, str) else argnames


def append_or_exit(folder: Path, record: Record) -> None:
    """Add the record to the folder; where that can't be done, no further race is worth its time."""
    try:
        records.append(folder, record)
    except InputError as error:
        pytest.exit(str(error), returncode=2)


def fail_by(failed: Sequence[Lane | Result]) -> None:
    """Fail the test where engines have failed, each by its name and with its reason."""
    if failed:
        pytest.fail("; ".join(f"engine {one.name}: {one.left_out}" for one in failed), pytrace=False)
