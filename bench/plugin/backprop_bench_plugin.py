"""The plugin of pytest: a fixture `race`, and `pytest --benchmark` to have it timed.

Every pytest in the environment loads it, by its entry point. In a project that asks for neither it does nothing, and
takes no time: the package `bench` is imported when a race is asked for, and a project may have one of its own. So this
file lies in no package, and its name is nobody else's.
"""

from __future__ import annotations

from argparse import SUPPRESS, BooleanOptionalAction
from collections.abc import Generator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from pytest_benchmark.fixture import BenchmarkFixture

    from bench.suite.races import Race
    from bench.suite.run import Suite

SUITE, NAMED = pytest.StashKey["Suite"](), pytest.StashKey[bool]()
TIMED = "--benchmark"
OPTIONS: dict[str, dict[str, Any]] = {  # each --race-NAME
    "grid": {
        "help": "smoke, default, full, shapes, heads, libraries, gate, or a .toml (default: default, untimed smoke)."
    },
    "engines": {"help": "Engines to race where a test names none (default: the ladder, as far as it can be had here)."},
    "hidden": {"help": "The activation of hidden layers, such as relu."},
    "head": {"help": "The top activation and the cost, such as softmax-cross-entropy."},
    "seconds": {"type": float, "default": 3.5, "help": "Time to race for in each cell (default: 3.5)."},
    "baseline": {"help": "The engine that speedups are relative to (default: per_sample, or the first)."},
    "results": {"help": "Folder for records, table and plots (default: .benchmarks/races)."},
    "resume": {"action": "store_true", "help": "Go on with the suite in the folder of results."},
    "floor": {"action": BooleanOptionalAction, "default": True, "help": "Race the products of a step alone, too."},
    "allocator": {"choices": ["pinned", "default"], "default": "pinned", "help": "Pin glibc's thresholds or not."},
}
SHORT = {"engines": ("--engines", "--engine"), "seconds": ("--cell-seconds",)}  # else --NAME, in our own repository


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("backprop-bench")
    for name, about in OPTIONS.items():
        group.addoption(f"--race-{name}", *(["--race-engine"] if name == "engines" else []), **about)


@pytest.hookimpl(wrapper=True)
def pytest_load_initial_conftests(
    early_config: pytest.Config, parser: pytest.Parser, args: Sequence[str]
) -> Generator[None, object, object]:
    """Add the options that others may have, too: now that their conftest.py has been asked, and if it has not."""
    result = yield
    group = parser.getgroup("backprop-bench")
    if TIMED not in _known(parser):
        told = "Time the races of tests that use the fixture `race`, and run benchmarks alone."
        group.addoption(TIMED, dest="race_timed", action="store_true", help=told)
    named = any(word in arg for arg in args for word in ("bench.suite", str(Path("bench", "suite"))))
    if named or (early_config.rootpath / "bench" / "plugin" / Path(__file__).name).is_file():  # or in a clone of ours
        early_config.stash[NAMED] = True
        for name, about in OPTIONS.items():
            spellings = SHORT.get(name, (f"--{name}",))
            if not set(spellings) & _known(parser):
                group.addoption(*spellings, dest=f"race_{name}", **{**about, "default": SUPPRESS, "help": SUPPRESS})
    return result


def _known(parser: pytest.Parser) -> set[str]:
    """The options of all plugins up to now."""
    groups = [*parser._groups, parser._anonymous]
    return {name for group in groups for option in group.options for name in option.names()}


@pytest.hookimpl(tryfirst=True)  # before pytest-benchmark reads its options
def pytest_configure(config: pytest.Config) -> None:
    if getattr(config.option, "race_timed", False):
        config.addinivalue_line("filterwarnings", "default")  # a user's engine that warns is no failed test
        suite = suite_of(config)
        config.pluginmanager.register(suite)
        config.pluginmanager.register(suite.ending)


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Give each test that races and leaves its cell open every cell of the grid; a module may have cells of its own."""
    if {"race", "cell"} <= set(metafunc.fixturenames) and uses_race(metafunc.definition):
        suite_of(metafunc.config).parametrize(metafunc)


@pytest.fixture
def race(request: pytest.FixtureRequest, benchmark: BenchmarkFixture, pytestconfig: pytest.Config) -> Race:
    """A function that races engines in a cell, and gives what it finds: `bench.suite.races.Race` has its arguments."""
    suite = suite_of(pytestconfig)
    from bench.suite.races import Race

    return Race(suite, request.node, benchmark)


def uses_race(item: pytest.Item) -> bool:
    """Whether a test uses this fixture `race`, and not somebody else's of its name."""
    info = getattr(item, "_fixtureinfo", None)
    found = info.name2fixturedefs.get("race") if info else None
    return found is not None and found[-1].func.__module__ == __name__


def suite_of(config: pytest.Config) -> Suite:
    """The one suite of a run of pytest, made where it is first asked for; pytest ends with a line where it can't be."""
    if SUITE not in config.stash:
        try:
            from bench.cells.isolation import end_children
            from bench.suite.failing import or_exit
            from bench.suite.run import Suite
        except ModuleNotFoundError as error:
            if not str(error.name).startswith("bench"):
                raise
            pytest.exit("a module bench of this project's own hides that of backprop-bench: rename it", returncode=2)
        with or_exit():
            config.stash[SUITE] = Suite(config, config.stash.get(NAMED, False), uses_race)
        config.add_cleanup(end_children)
    return config.stash[SUITE]
