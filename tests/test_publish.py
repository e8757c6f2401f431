"""What is published anew is raced once, goes on where it was interrupted, and is pruned to what pages show."""

import gzip
import signal
import subprocess
import sys
from time import sleep
from types import SimpleNamespace

import pytest

from bench.cells import grids
from bench.cells.cell import format_sizes
from tests.trials import gate_tables, publish
from tests.trials.publish_parts import LADDER, PEERS, Part, Race, parts, runs_left

RACES = """
import pathlib, sys, time
folder, seconds, *resumed = sys.argv[1:]
folder = pathlib.Path(folder)
folder.mkdir(exist_ok=True)
(folder / "sweep.json").touch()
with (folder / "cells.jsonl").open("a") as file:
    file.write(f"{folder.name}{' resumed' * len(resumed)}\\n")
if seconds == "stop" and not resumed:
    sys.exit(3)
time.sleep(float(seconds.replace("stop", "0")))
"""
DRAWS = """
import pathlib, sys
folder = pathlib.Path(sys.argv[1])
(folder / "report.md").write_text("![a](a.png)")
for name in ("a.png", "b.png", "c.png", "speedup.csv"):
    (folder / name).touch()
"""


@pytest.fixture
def call(tmp_path, monkeypatch):
    """Publish the part `x` of these races; returns the exit status and the files that are published."""
    (tmp_path / "results" / "published" / "x").mkdir(parents=True)
    (tmp_path / "results" / "published" / "x" / "old.md").touch()
    (tmp_path / "README.md").write_text("![b](results/published/x/b.png)")
    monkeypatch.setattr(publish, "ROOT", tmp_path)
    monkeypatch.setattr(publish, "PUBLISHED", tmp_path / "results" / "published")

    def run(*seconds, options=(), pages=("report.md",)):
        races = [Race(f"x-{n}", ("-c", RACES, "{folder}", str(taken))) for n, taken in enumerate(seconds)]
        part = Part(races, [("-c", DRAWS, "{folder}")], pages)
        monkeypatch.setattr(publish, "parts", lambda seed, work: {"x": part})
        monkeypatch.setattr(sys, "argv", ["publish", "x", "--work", str(tmp_path / "work"), *options])
        folder = tmp_path / "results" / "published" / "x"
        return publish.main(), {path.name: path.read_bytes() for path in folder.iterdir()}

    return run


def records(files):
    return gzip.decompress(files["cells.jsonl.gz"]).decode().split("\n")[:-1]


def test_records_of_all_races_are_compressed_and_only_what_pages_show_is_kept(call):
    status, files = call(0, 0)
    assert status == 0
    assert set(files) == {"cells.jsonl.gz", "report.md", "a.png", "b.png"}
    assert records(files) == ["x-0", "x-1"]


def test_what_is_done_is_not_raced_again_and_what_has_begun_goes_on(call):
    status, files = call(0, "stop", 0)
    assert (status, set(files)) == (3, {"old.md"})
    status, files = call(0, "stop", 0)
    assert status == 0
    assert records(files) == ["x-0", "x-1", "x-1 resumed", "x-2"]
    assert records(call(0, "stop", 0)[1]) == records(files)


def test_when_the_time_is_over_what_is_raced_is_published(call, tmp_path, monkeypatch):
    now = [0.0]

    class Process(subprocess.Popen):
        """The time that it is waited for is over once it has written its line."""

        def wait(self, timeout=None):
            if timeout in (None, publish.GRACE):
                return super().wait(timeout)
            written = tmp_path / "work" / "x-0" / "cells.jsonl"
            while not (written.exists() and written.read_bytes()):
                sleep(0.01)
            now[0] += timeout
            raise subprocess.TimeoutExpired(self.args, timeout)

    stood_in = SimpleNamespace(Popen=Process, TimeoutExpired=subprocess.TimeoutExpired)
    monkeypatch.setattr(publish, "subprocess", stood_in)
    monkeypatch.setattr(publish, "monotonic", lambda: now[0])
    status, files = call(600, 600, options=("--minutes", "1"))
    assert status == 0
    assert records(files) == ["x-0"]
    assert records(call(0, 0, options=("--minutes", "0"))[1]) == ["x-0"]
    assert records(call(0, 0)[1]) == ["x-0", "x-0 resumed", "x-1"]


def test_what_a_shell_runs_in_the_background_passes_an_interrupt_on(call):
    """A shell has its background jobs ignore SIGINT, and so do all that they start."""
    kept = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        status, files = call(0)
        assert (status, set(files)) == (0, {"cells.jsonl.gz", "report.md", "a.png", "b.png"})
        child = "import signal, sys; sys.exit(signal.getsignal(signal.SIGINT) is signal.SIG_IGN)"
        assert publish.run(["-c", child]) == 0
    finally:
        signal.signal(signal.SIGINT, kept)


def test_nothing_is_published_where_nothing_was_raced(call, capfd):
    status, files = call(0, 0, options=("--minutes", "0"))
    assert (status, set(files)) == (2, {"old.md"})
    (line,) = capfd.readouterr().out.splitlines()
    assert line.startswith("x: nothing is published, as nothing of it was raced in ")


def test_nothing_is_published_without_its_pages(call, capfd):
    status, files = call(0, pages=("report.md", "targets.md"))
    assert (status, set(files)) == (2, {"old.md"})
    assert "has no targets.md" in capfd.readouterr().out


def test_the_gate_is_asked_for_the_runs_that_are_missing(tmp_path):
    lines = b"".join(b'{"percent": %d}\n' % percent for percent in (0, 0, 5))
    (tmp_path / gate_tables.RUNS).write_bytes(gzip.compress(lines))
    assert runs_left(tmp_path) == ["0=24", "2=8", "3=8", "5=7", "10=8"]


def test_every_cell_of_the_grid_shapes_is_raced_once_and_the_peers_first(tmp_path):
    raced = []
    for number, race in enumerate(parts(1, tmp_path)["shapes"].races):
        path = tmp_path / f"{race.name}.toml"
        path.write_text(race.grid)
        cells = grids.cells_of(str(path), here=False)
        assert (f"{LADDER},{PEERS}" in race.command) == (number == 0)
        raced += cells
    assert sorted(cell.id for cell in raced) == sorted(cell.id for cell in grids.cells_of("shapes", here=False))
    assert {format_sizes(cell.sizes) for cell in raced[:30]} == {"784-30-10", "64-64-64-10", "24-8-2"}
    assert [cell.threads for cell in raced[:100]] == [1] * 100
