"""What every test can ask for: engines, a command line to call, pictures left undrawn, a repository of its own."""

import os
import sys
import tempfile

import pytest
from examples import make_record
from repository import Repository
from shown import leave_out_png

from backprop import InputError, load, names
from bench.cells import revisions
from bench.cli import main as cli
from bench.report.figures import save
from bench.timing import schedule

# Of pytest-xdist's, which runs these tests side by side: a suite that a test starts is nobody's worker, and is timed.
for name in [name for name in os.environ if name.startswith("PYTEST_XDIST")]:
    del os.environ[name]


@pytest.fixture(scope="module", params=names())
def engine(request):
    """Each built-in engine that can be had here."""
    try:
        return load(request.param)
    except InputError as error:
        pytest.skip(str(error))


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
        make_record(batch, speedup=0.8 * batch**0.5, width=width) for width in ("10", "30") for batch in (1, 10, 100)
    ]


@pytest.fixture
def repository(tmp_path, monkeypatch):
    """A repository that stands in for this one wherever revisions are concerned."""
    made = Repository(tmp_path / "repository")
    monkeypatch.setattr(revisions, "PACKAGE", made.folder / "backprop")
    monkeypatch.chdir(made.folder)
    return made
