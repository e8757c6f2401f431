"""The plugin of pytest: `pytest --benchmark` races the suite over a grid; plain `pytest` checks its engines, untimed.

A test asks for the `race` fixture. Loaded by this repository's pyproject.toml alone: installing the package changes no
other project's pytest.
"""

from __future__ import annotations

from argparse import BooleanOptionalAction
from collections.abc import Callable
from pathlib import Path

import pytest
from pytest_benchmark.fixture import BenchmarkFixture

from backprop import InputError
from backprop.functions import EVERYWHERE, HEADS

from .cells.cell import Cell
from .cells.isolation import end_children
from .suite import options
from .suite.run import Suite, cell_of, or_exit

SUITE = pytest.StashKey["Suite"]()


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("backprop-bench")
    group.addoption("--benchmark", action="store_true", help="Run the benchmark suite, and only it, timed.")
    grid_help = "smoke, default, full, heads, gate, or a .toml file (default: 'default', untimed 'smoke')."
    group.addoption("--grid", help=grid_help)
    engines = "per_sample,full_matrix,in_place,fused"
    group.addoption(
        "--engines", "--engine", default=engines, help=f"Engines to race: names or .py files (default: {engines})."
    )
    group.addoption("--hidden", help=f"The activation of hidden layers: {', '.join(EVERYWHERE)}.")
    group.addoption("--head", help=f"The top activation and the cost: {', '.join(HEADS)}.")
    group.addoption("--cell-seconds", type=float, default=3.5, help="Time to race for in each cell (default: 3.5).")
    group.addoption("--results", help="Folder for records, table and plots (default: results/latest).")
    group.addoption("--resume", action="store_true", help="Go on with the suite in the folder of --results.")
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
    with or_exit():
        suite = Suite(config, option.grid or ("default" if timed else "smoke"), timed)
        if options.recording(option):
            if option.results == "":
                raise InputError("--results is empty: name a folder, or leave it out")
            folder = Path(option.results or config.rootpath / "results" / "latest")
            options.check(config, folder)
            suite.claim(folder, option.resume)
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
            pytest.fail(
                f"race takes a bench.cells.cell.Cell, such as Cell((784, 30, 10), 10), not {cell!r}", pytrace=False
            )
        if not cell_of(request.node) or asked:
            pytest.fail(
                "a test races once, in the cell that is its parameter: def test_mine(race, cell): race(cell)",
                pytrace=False,
            )
        asked.append(cell)
        with or_exit():
            try:
                suite.race(cell, benchmark) if suite.timed and not benchmark.disabled else suite.check(cell)
            except InputError as error:  # data that can't be had: nobody's traceback
                pytest.fail(str(error), pytrace=False)
            except KeyboardInterrupt:  # CPython may have no line number for where it fell, which pytest's summary needs
                raise KeyboardInterrupt from None

    return check_or_race
