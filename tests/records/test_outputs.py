"""Where results go: what can't be written is told before anything is timed, and nothing else is touched."""

import errno
import os
import stat
import sys
from contextlib import closing
from pathlib import Path
from threading import Thread

import pytest
from stand_ins import full

from backprop import InputError
from bench.records import outputs
from bench.records.outputs import Output

unix = pytest.mark.skipif(sys.platform == "win32", reason="links, pipes and devices as Unix has them")


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def test_a_file_is_written_whole_or_not_at_all(tmp_path, monkeypatch):
    path = tmp_path / "out.txt"
    outputs.write(path, b"old")
    with closing(Output(path)) as output:
        assert path.read_bytes() == b"old"
        assert names(tmp_path) == ["out.txt"]  # a run that is killed leaves nothing
        monkeypatch.setattr(outputs.os, "fsync", full)
        with pytest.raises(InputError, match=r"out\.txt can't be written: No space left on device; what was there is"):
            output.write(b"new")
        assert path.read_bytes() == b"old"
        monkeypatch.undo()
        output.write(b"new")
    assert path.read_bytes() == b"new"
    assert names(tmp_path) == ["out.txt"]


@unix
def test_permissions_are_kept_and_a_new_file_has_those_that_are_usual(tmp_path):
    old, new = tmp_path / "old", tmp_path / "new"
    old.touch()
    old.chmod(0o604)
    before = os.umask(0o027)
    try:
        outputs.write(old, b"x")
        outputs.write(new, b"x")
    finally:
        os.umask(before)
    assert [stat.S_IMODE(path.stat().st_mode) for path in (old, new)] == [0o604, 0o640]


@unix
@pytest.mark.parametrize("there", [True, False])
def test_a_link_is_followed_and_stays_a_link(tmp_path, there):
    (tmp_path / "far").mkdir()
    target, link = tmp_path / "far" / "real.json", tmp_path / "link.json"
    link.symlink_to("far/real.json")
    if there:
        target.write_text("old")
    outputs.write(link, b"new")
    assert link.is_symlink()
    assert target.read_bytes() == b"new"


@unix
def test_a_pipe_gets_what_is_written_and_stays_a_pipe(tmp_path):
    pipe, got = tmp_path / "pipe", []
    os.mkfifo(pipe)
    reader = Thread(target=lambda: got.append(pipe.read_bytes()))
    reader.start()
    outputs.write(pipe, b"x" * 100_000)
    reader.join(10)
    assert got == [b"x" * 100_000]
    assert pipe.is_fifo()


@unix
@pytest.mark.parametrize("name", ["/dev/fd/{}", "/proc/self/fd/{}", "link"])
def test_an_open_file_is_written_to_where_it_is(tmp_path, name):
    if name.startswith("/proc") and not Path("/proc/self/fd").exists():
        pytest.skip("no /proc here")
    with (tmp_path / "log").open("wb", buffering=0) as file:
        file.write(b"first ")
        (tmp_path / "link").symlink_to(f"/dev/fd/{file.fileno()}")
        outputs.write(tmp_path / name.format(file.fileno()), b"then")
        file.write(b" last")
    assert (tmp_path / "log").read_bytes() == b"first then last"
    assert names(tmp_path) == ["link", "log"]


@unix
def test_a_device_is_written_to_and_its_refusal_told():
    outputs.write(Path("/dev/null"), b"x")
    assert stat.S_ISCHR(Path("/dev/null").stat().st_mode)
    if Path("/dev/full").exists():
        with pytest.raises(InputError, match="/dev/full can't be written: No space left on device"):
            outputs.write(Path("/dev/full"), b"x")


@unix
def test_a_reader_that_is_gone_is_told(tmp_path):
    read, write = os.pipe()
    with closing(Output(Path(f"/dev/fd/{write}"))) as output:
        os.close(read)
        with pytest.raises(InputError, match="can't be written: Broken pipe"):
            output.write(b"x")
    os.close(write)
    with pytest.raises(InputError, match="can't be written: Bad file descriptor"):
        Output(Path(f"/dev/fd/{write}"))


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("folder", "it is a folder"),
        ("nowhere/x", "No such file or directory"),
        ("file/x", "Not a directory"),
        ("x" * 300, "File name too long"),
        ("loop", "Too many levels of symbolic links"),
        ("gone/x", "No such file or directory"),
    ],
)
@unix
def test_what_cannot_be_written_is_told_at_once_and_leaves_nothing(tmp_path, name, reason):
    (tmp_path / "folder").mkdir()
    (tmp_path / "file").touch()
    (tmp_path / "loop").symlink_to("loop")
    (tmp_path / "gone").symlink_to("not-there")
    before = names(tmp_path)
    with pytest.raises(InputError, match=f"can't be written: {reason}; name another file"):
        Output(tmp_path / name)
    assert names(tmp_path) == before


@unix
def test_a_file_for_reading_only_is_not_replaced(tmp_path, monkeypatch):
    def refuse(path, flags):  # root may write what it likes
        assert flags == os.O_WRONLY
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))

    (tmp_path / "x").touch()
    monkeypatch.setattr(outputs.os, "open", refuse)
    with pytest.raises(InputError, match="x can't be written: Permission denied"):
        Output(tmp_path / "x")


@pytest.mark.parametrize("length", [245, 255])
@unix
def test_a_long_name_that_the_system_takes_is_taken(tmp_path, length):
    outputs.write(tmp_path / ("x" * length), b"x")
    assert names(tmp_path) == ["x" * length]


@unix
@pytest.mark.parametrize("other", ["x", "sub/../x", "link", "./x", "hard"])
@pytest.mark.parametrize("there", [True, False])
def test_two_options_with_one_file_are_refused(tmp_path, other, there, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "sub").mkdir()
    (tmp_path / "link").symlink_to("x")
    if there:
        (tmp_path / "x").write_text("old")
        (tmp_path / "hard").hardlink_to("x")
    elif other == "hard":
        return
    before = names(tmp_path)
    asked = {"--json": Path("x"), "--plot": None, "--markdown": Path(other)}
    message = "--json and --markdown name the same file, x: give each its own"
    with pytest.raises(InputError, match=message), outputs.claimed(asked):
        pytest.fail("nothing is to be timed")
    assert names(tmp_path) == before


@unix
def test_two_options_may_share_a_device():
    with outputs.claimed(dict.fromkeys(("--json", "--markdown"), Path("/dev/null"))) as files:
        outputs.write_each(files, {"--json": lambda: b"1", "--markdown": lambda: b"2"})


def test_a_file_that_is_read_is_not_written(tmp_path):
    (tmp_path / "mine.py").touch()
    asked = {"--json": tmp_path / "mine.py"}
    with (
        pytest.raises(InputError, match=r"--json names .*mine\.py, which is read"),
        outputs.claimed(asked, [*asked.values()]),
    ):
        pytest.fail("nothing is to be timed")


@unix
def test_one_file_that_fails_does_not_cost_the_others(tmp_path):
    asked = {"--json": tmp_path / "gone" / "x", "--markdown": tmp_path / "y"}
    (tmp_path / "gone").mkdir()
    with outputs.claimed(asked) as files:
        (tmp_path / "gone").rmdir()
        with pytest.raises(InputError, match="gone/x can't be written"):
            outputs.write_each(files, {"--json": lambda: b"1", "--markdown": lambda: b"2"})
    assert (tmp_path / "y").read_bytes() == b"2"
