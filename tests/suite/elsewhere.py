"""The suite in a folder of its own, with races made up at once."""

import msgspec
import pytest
from examples import make_record

from bench.records import store

COSTLY = ("unraisableexception", "threadexception", "hypothesispytest", "faulthandler", "cacheprovider", "xdist")
STEP = "def test_step(race, cell): race(cell=cell)\n"
FAST = (
    *("--race-grid=grid.toml", "--race-seconds=0.1", "--race-engines=full_matrix"),
    *("--no-race-floor", "--race-results=out"),
)


class Xdist:
    """The options of pytest-xdist, which none of these tests needs more of."""

    def pytest_addoption(self, parser):
        group = parser.getgroup("xdist")
        group._addoption("-n", dest="numprocesses")
        group._addoption("--dist", default="no")

    @pytest.hookimpl(tryfirst=True)
    def pytest_cmdline_main(self, config):
        if config.option.numprocesses is not None:
            config.option.dist = "no" if config.option.numprocesses == "0" else "load"


def made_up(job, progress):
    """A record as a race would have made it, at once."""
    return msgspec.structs.replace(make_record(), cell=job.cell)


def untouched(folder):
    """Whether the good records are where they were, and alone."""
    assert [path.name for path in folder.glob("out*")] == ["out"]
    assert [path.name for path in (folder / "out").iterdir()] == ["cells.jsonl"]
    assert store.load(folder / "out")[0] == [make_record()]
