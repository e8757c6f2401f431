"""The suite under pytest: what is raced over what, how far it has come, and what pytest is told of it."""

from __future__ import annotations

import time
from collections.abc import Callable, Generator, Sequence
from contextlib import ExitStack
from pathlib import Path

import pytest
from pytest_benchmark.fixture import BenchmarkFixture

from backprop import InputError, load
from backprop.packages import needed_by

from ..cells import address, entry, grids
from ..cells.cell import Cell
from ..cells.entry import Entry
from ..cells.grids import EPOCH_SHARE
from ..records import outputs, store
from ..records.record import Record
from ..report.figures import style
from ..sweep import folder as sweep_folder
from ..sweep import run
from ..sweep.folder import Run
from ..terminal.console import screen, show, warn
from ..terminal.progress import outcome_of
from ..terminal.streams import Patient
from ..timing import machine
from ..timing.one_pass import RaceJob, among
from ..timing.race import check_seconds
from ..timing.race import race as run_race
from . import options
from .failing import fail_by, or_exit
from .table import Ending, hand_over

SUITE_FOLDER = Path(__file__).parent
LADDER, COMPILED = ("per_sample", "full_matrix", "in_place", "fused"), "numba_jit"


def ladder() -> list[str]:
    """The engines of the ladder, as far as they can be had here; where the compiled one can't, it is told why."""
    try:
        load(COMPILED)
    except InputError as error:
        warn(f"{error}; it is left out")
        return list(LADDER)
    return [*LADDER, COMPILED]


class Suite:
    """One run of the suite: what is raced over what, how far it has come, and where its records go.

    named says that it is this project's own suite, or run in its own repository, and not the tests of somebody else.
    uses_race says of a test whether it uses the fixture.
    """

    def __init__(self, config: pytest.Config, named: bool, uses_race: Callable[[pytest.Item], bool]) -> None:
        self.config, self.named, self.uses_race = config, named, uses_race
        self.option = option = config.option
        if not config.pluginmanager.hasplugin("benchmark"):
            raise InputError("a race needs pytest-benchmark, which is off: leave -p no:benchmark out")
        self.timed: bool = option.race_timed or option.benchmark_only or option.benchmark_enable
        self.cells = grids.cells_of(
            option.race_grid or ("default" if self.timed else "smoke"), hidden=option.race_hidden, head=option.race_head
        )
        asked = option.race_engines
        self.entries = entry.resolve(ladder() if asked is None else address.addresses(asked))
        check_seconds(option.race_seconds)
        self.run = Run(None)
        self.set_aside: Path | None = None
        self.ending = Ending(lambda: self.ended > 0)
        self.to_come: dict[str, float] = {}  # seconds of the tests that are to race
        self.total = self.ended = 0
        if options.recording(option):
            options.check(config, self.folder)
            self.claim()

    @property
    def folder(self) -> Path:
        """Where the records go."""
        if self.option.race_results == "":
            raise InputError("--race-results is empty: name a folder, or leave it out")
        usual = "results/latest" if self.named else ".benchmarks/races"
        return Path(self.option.race_results or self.config.rootpath / usual)

    def claim(self) -> None:
        """Make sure of the folder for the records, and keep it from others until pytest ends.

        Folder, lock and records are those of a sweep, with two differences. The records of another run are not
        refused but set aside, and that only when there is a first new one: a suite that comes to nothing costs none.
        And it is pytest that calls each race: the rows of pytest-benchmark's table are made of all slices, in pytest's
        process, by the fixture of the test. The races themselves are in processes of their own here, too.
        """
        folder, option = self.folder, self.option
        stack = ExitStack()
        self.config.add_cleanup(stack.close)
        stack.enter_context(outputs.locked(folder))
        if (folder / sweep_folder.FILE).exists():
            raise InputError(f"{folder} holds a sweep: name another folder with --race-results")
        now = run.plan(
            self.cells,
            self.entries,
            seconds=option.race_seconds,
            floor=option.race_floor,
            allocator=option.race_allocator,
            software=machine.software(),
            machine=run.Crew().machine,
        )
        manifest = folder / sweep_folder.SUITE
        if option.race_resume:
            self.run = Run(folder, sweep_folder.begun_before(manifest, now))
            return
        if aside := store.aside(folder):
            if any(place.is_relative_to(folder.resolve()) for place in (Path.cwd(), self.config.rootpath)):
                raise InputError(
                    f"{folder} holds records, and what is worked in: name another folder with --race-results"
                )
            with outputs.made(aside):
                pass

        def make_room() -> None:
            self.set_aside = store.set_aside(folder)
            sweep_folder.begin(manifest, now)

        self.run = Run(folder, before_first=make_room)

    def parametrize(self, metafunc: pytest.Metafunc) -> None:
        """Give a benchmark that leaves its cell open every cell of the grid; a module may have cells of its own."""
        marks = metafunc.definition.iter_markers("parametrize")
        given = {name for mark in marks for name in _names(*mark.args, **mark.kwargs)}
        if "cell" not in given and not hasattr(metafunc.module, "pytest_generate_tests"):
            metafunc.parametrize("cell", self.cells, ids=lambda cell: cell.id)

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionstart(self) -> None:
        reporter = self.config.pluginmanager.get_plugin("terminalreporter")
        if reporter and self.timed:
            reporter._tw._file = Patient(reporter._tw._file)

    def pytest_ignore_collect(self, collection_path: Path) -> bool | None:
        """In our own repository look nowhere but among the benchmarks; in another these may be anywhere."""
        if self.config.rootpath != SUITE_FOLDER.parents[1]:
            return None
        return True if collection_path.is_file() and not collection_path.is_relative_to(SUITE_FOLDER) else None

    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        """Run nothing but benchmarks, if there is any that races: without, they are none of ours."""
        if items and not any(map(self.uses_race, items)):
            raise pytest.UsageError("--benchmark times tests that use the fixture `race`, and here is none")
        others = [item for item in items if "benchmark" not in getattr(item, "fixturenames", ())]
        if others:
            items[:] = [item for item in items if item not in others]
            self.config.hook.pytest_deselected(items=others)

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        self.to_come = {item.nodeid: self.budget(cell_of(item)) for item in session.items if self.uses_race(item)}
        self.total = len(self.to_come)
        reporter = self.config.pluginmanager.get_plugin("terminalreporter")
        if reporter:
            reporter.showfspath = False  # each race writes a line of its own

    def budget(self, cell: Cell | None) -> float:
        """Seconds to race for in this cell, or in one that is not known yet; none where its record is there."""
        if cell in self.run.done:
            return 0.0
        seconds: float = self.option.race_seconds
        return seconds * (EPOCH_SHARE if cell and cell.data != "random" else 1)

    def race(
        self,
        cell: Cell,
        entries: Sequence[Entry],
        item: pytest.Item,
        benchmark: BenchmarkFixture,
        seconds: float | None,
        baseline: str | None,
    ) -> Record:
        """Race in this cell, record it, and hand the slices to pytest-benchmark."""
        option = self.option
        self.to_come.pop(item.nodeid, None)
        number, total = self.ended + 1, max(self.ended + 1, self.total)
        head = f"[{number:{len(str(total))}}/{total}] {cell.id}"
        # What a test names itself, no manifest knows.
        record, told = self.run.done.get(cell) if entries is self.entries else None, "as recorded before"
        if not record:
            self.progress(f"{head}  racing")
            start = time.monotonic()
            budget = self.budget(cell) if seconds is None else seconds
            pin = option.race_allocator == "pinned"
            relative_to = among(baseline or option.race_baseline, entries)
            job = RaceJob(cell, list(entries), budget, option.race_floor, pin, relative_to)
            record = run_race(job, progress=lambda share: self.progress(f"{head}  racing {share:.0%}"))
            with or_exit():
                self.run.add(record, budget, time.monotonic() - start)
            left = self.run.left(sum(self.to_come.values())) or 0.0
            told = f"{left // 60:.0f}:{left % 60:02.0f} left"
        self.ended += 1
        self.progress(f"{head}  {outcome_of(record)}  {told}", end="\n")
        for result in record.contestants:
            if result.seconds:
                hand_over(benchmark, cell, result)
        fail_by({result.name: result.left_out for result in record.failures})
        return record

    def progress(self, line: str, end: str = "") -> None:
        """Write a line over the one before it, on the real terminal, past pytest's capture.

        Where there is no terminal, only lines that end are written.
        """
        reporter = self.config.pluginmanager.get_plugin("terminalreporter")
        capture = self.config.pluginmanager.get_plugin("capturemanager")
        if reporter and capture and reporter.verbosity >= 0 and (reporter.isatty or end):
            with capture.global_and_fixture_disabled():
                reporter.rewrite(line, erase=reporter.isatty)
                reporter.write(end)
                reporter.flush()

    def pytest_report_teststatus(self, report: pytest.TestReport) -> tuple[str, str, str] | None:
        """No dot for a race that went well: its own line has said more."""
        timed = report.when == "call" and report.passed and self.ended
        return ("passed", "", "PASSED") if timed else None

    @pytest.hookimpl(wrapper=True, tryfirst=True)  # after pytest-benchmark's table, also where its compare fails
    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> Generator[None, object, object]:
        try:
            yield
        except Exception as error:
            self.ending.tell(error)
        if self.run.folder and self.ended:
            try:
                self.summarise(self.run.folder, terminalreporter)
            except InputError as error:  # a full disk: the records are whole
                self.ending.tell(error)
        for told in self.ending.told:
            terminalreporter.write_line(told, red=True)
        return None

    def summarise(self, folder: Path, reporter: pytest.TerminalReporter) -> None:
        """Table and plots from what was recorded. Imports pandas and matplotlib, now that nothing is timed."""
        with needed_by("the report"):
            style.load_matplotlib()
            from ..report import build

        reporter.section("backprop-bench")
        console = screen(reporter._tw._file, reporter.hasmarkup)
        show(build.build(folder), console)
        if self.set_aside:
            show([f"the records that were there before: {self.set_aside}"], console)


def cell_of(item: pytest.Item) -> Cell | None:
    """The cell that a test is to race in, by its parameter `cell`."""
    cell = getattr(item, "callspec", None) and item.callspec.params.get("cell")  # type: ignore[attr-defined]
    return cell if isinstance(cell, Cell) else None


def _names(argnames: str | Sequence[str], *_: object, **__: object) -> Sequence[str]:
    """The parameters that a parametrize mark gives."""
    return [name.strip() for name in argnames.split(",")] if isinstance(argnames, str) else argnames
