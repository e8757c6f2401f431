"""The temporary folder: it goes with its process, and nothing of anybody else's is touched."""

import os
import subprocess
import sys
import tempfile
from contextlib import contextmanager
from io import FileIO
from pathlib import Path
from subprocess import PIPE

import pytest
from repository import ROOT

from backprop import InputError
from bench.cells import revisions, temporary_folder
from bench.cells.cell import Cell
from bench.gate.one_pass import GateJob, Lap, in_own_process
from bench.timing import process


def start(end, place):
    """A process that makes its temporary folder in this place, prints its path, and ends in the given way."""
    code = f"from bench.cells import temporary_folder; print(temporary_folder.scratch(), flush=True); {end}"
    environment = {"PATH": "/usr/bin:/bin", "TMPDIR": str(place), "PYTHONPATH": str(ROOT)}
    return subprocess.Popen(
        [sys.executable, "-c", code], env=environment, text=True, **dict.fromkeys(("stdin", "stdout", "stderr"), PIPE)
    )


def run(end, place):
    """The path that such a process printed, now that it has ended."""
    return start(end, place).communicate()[0].strip()


def test_the_temporary_folder_goes_with_its_process_or_with_the_next(tmp_path):
    run("pass", tmp_path)
    assert list(tmp_path.iterdir()) == []
    run("raise KeyboardInterrupt", tmp_path)
    assert list(tmp_path.iterdir()) == []
    killed = run("import os; os.kill(os.getpid(), 9)", tmp_path)
    assert list(tmp_path.iterdir()) == [Path(killed)]
    (tmp_path / "backprop-bench-notes").mkdir()  # somebody's own
    run("pass", tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["backprop-bench-notes"]


def test_a_folder_in_use_is_left_alone(tmp_path):
    living = start("input()", tmp_path)
    folder = Path(living.stdout.readline().strip())
    run("pass", tmp_path)
    assert list(tmp_path.iterdir()) == [folder]
    living.communicate("\n")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("planted", ["link to a folder", "link for the lock", "another's", "open to all"])
def test_what_may_be_somebody_elses_is_neither_locked_nor_removed(tmp_path, monkeypatch, planted):
    place, victim = tmp_path / "place", tmp_path / "victim"
    folder = place / f"{temporary_folder.PREFIX}planted"
    real = victim if planted == "link to a folder" else folder
    for made in (place, victim, real):
        made.mkdir(exist_ok=True, mode=0o700)
    (victim / "precious").write_text("text")
    if planted == "link to a folder":
        folder.symlink_to(victim)
    if planted == "link for the lock":
        (folder / temporary_folder.LOCK).symlink_to(victim / "precious")
    else:
        (real / temporary_folder.LOCK).touch()
    if planted == "another's":
        monkeypatch.setattr(os, "getuid", lambda: 12345)
    if planted == "open to all":
        folder.chmod(0o777)
    temporary_folder._remove_unless_in_use(folder)
    assert (victim / "precious").read_text() == "text"
    assert folder.exists()


@pytest.mark.parametrize("error", [28, 30, 13])
def test_a_temporary_folder_that_is_full_or_read_only_is_a_line(repository, monkeypatch, error):
    def refuse(*_, **__):
        raise OSError(error, os.strerror(error))

    monkeypatch.setattr(temporary_folder.tempfile, "mkdtemp", refuse)
    home = repository.folder
    for act in (
        lambda: revisions.lay_work_tree(home),
        lambda: revisions.lay("HEAD", home),
        temporary_folder.scratch.__wrapped__,
    ):
        with pytest.raises(InputError, match=f"temporary folder can't be used: {os.strerror(error)}; name another"):
            act()


def test_a_process_that_finds_no_room_is_no_process_that_died(monkeypatch):
    def refuse():
        raise OSError(28, os.strerror(28))

    monkeypatch.setattr(temporary_folder.tempfile, "TemporaryFile", refuse)
    with pytest.raises(InputError, match="temporary folder can't be used: No space left on device"):
        process.call("gate_pass", None, int, timeout=1, what="it")


def test_an_answer_that_found_no_room_is_no_process_that_died(repository, monkeypatch):
    class Full(FileIO):
        def write(self, _):
            raise OSError(28, os.strerror(28))

    @contextmanager
    def full():
        with tempfile.TemporaryFile() as file, Full(os.dup(file.fileno()), "r+b") as made:
            yield made

    monkeypatch.setattr(temporary_folder, "file", full)
    job = GateJob("ends", {}, [Lap(Cell((3, 2, 1), 2), 0.01, 1)], False)
    with pytest.raises(InputError, match="temporary folder can't be used: No space left on device"):
        in_own_process(job, 60)


def test_without_any_temporary_folder_a_line_says_so(monkeypatch):
    monkeypatch.setattr(temporary_folder.tempfile, "tempdir", None)
    monkeypatch.setattr(temporary_folder.tempfile, "_candidate_tempdir_list", lambda: ["/nowhere"])
    with pytest.raises(InputError, match=r"can't be used: No usable temporary directory found"):
        temporary_folder.scratch.__wrapped__()
