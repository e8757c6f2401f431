"""The options of a run of the suite, those of pytest-benchmark and pytest-xdist too, checked before the first race."""

from __future__ import annotations

import warnings
from argparse import Namespace
from contextlib import nullcontext
from importlib.util import find_spec
from pathlib import Path

import pytest
from pytest_benchmark.logger import Logger
from pytest_benchmark.utils import get_machine_id, load_storage

from backprop import InputError

from ..records import outputs, store
from .table import PARAMS

LOOKING = (  # options with which nothing is run
    "collectonly", "setuponly", "setupplan", "showfixtures", "show_fixtures_per_test", "help", "version", "markers",
    "cacheshow",
)  # fmt: skip
GROUPINGS = ("group", "name", "func", "fullname", "fullfunc", "param")


def recording(option: Namespace) -> bool:
    """Whether races are to be timed and recorded."""
    if not option.race_timed or any(getattr(option, name, False) for name in LOOKING):
        return False
    disabled = option.benchmark_disable and not option.benchmark_enable
    skipped = option.benchmark_skip and not option.benchmark_only
    return not disabled and not skipped


def check(config: pytest.Config, folder: Path) -> None:
    """InputError for what would spoil the races, or be found out only when all of them are done.

    folder is the one for the records.
    """
    if config.getoption("dist", "no") != "no":
        raise InputError("races can't run side by side: leave -n and --dist out, or pass -n 0")
    option = config.option
    for grouping in option.benchmark_group_by.split(","):
        if grouping not in GROUPINGS and grouping.removeprefix("param:") not in PARAMS:
            raise InputError(
                f"--benchmark-group-by can't be {grouping!r}: there are {', '.join(GROUPINGS)}, and param:NAME with "
                f"{', '.join(PARAMS)}"
            )
    if option.benchmark_histogram and not find_spec("pygal"):
        raise InputError("--benchmark-histogram needs pygal: pip install 'pytest-benchmark[histogram]'")
    if (json := option.benchmark_json) is not None:
        outputs.check_distinct({"--benchmark-json": json, "--race-results": folder / store.FILE})
        if not json.is_fifo():  # which is opened when there is something to write
            outputs.Output(json).close()
    storage: str = option.benchmark_storage.removeprefix("file://")
    if "://" not in storage:
        _check_storage(option, storage)


def _check_storage(option: Namespace, storage: str) -> None:
    """InputError where the folder of saved runs can't be added to, or has nothing to compare with."""
    machine = get_machine_id()
    if save := option.benchmark_save or option.benchmark_autosave:
        with outputs.made(Path(storage) / machine):
            outputs.Output(Path(storage) / machine / f"0001_{save}.json").close()
    asked = option.benchmark_compare
    found = False
    if asked:
        fresh = nullcontext() if Path(storage).is_dir() else outputs.made(Path(storage))  # load_storage makes it
        with fresh, warnings.catch_warnings(action="ignore"):  # pytest-benchmark will say the same again
            saved = load_storage(storage, logger=Logger(Logger.QUIET), default_machine_id=machine, netrc="")
            try:
                found = any(saved.load(*([] if asked is True else [asked])))
            except ValueError as error:
                raise InputError(f"--benchmark-compare: {error}") from error
    if option.benchmark_compare_fail and not found:
        missing = f"no saved run in {storage} is" if asked else "without --benchmark-compare none is"
        raise InputError(
            f"--benchmark-compare-fail needs a run to compare with, and {missing}: save one with --benchmark-save first"
        )
