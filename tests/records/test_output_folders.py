"""The folder that results go to: made, held by one run at a time, and gone again where it stays empty."""

import sys

import pytest

from backprop import InputError
from bench.records import outputs, record, store

unix = pytest.mark.skipif(sys.platform == "win32", reason="links, pipes and devices as Unix has them")


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def test_a_folder_is_made_and_goes_again_where_it_stays_empty(tmp_path):
    for content in (False, True):
        with outputs.locked(tmp_path / "a" / "b"):
            if content:
                (tmp_path / "a" / "b" / "x").touch()
        assert names(tmp_path) == ["a"] * content
    assert names(tmp_path / "a" / "b") == ["x"]


@unix
def test_a_folder_is_made_where_a_link_leads(tmp_path):
    (tmp_path / "link").symlink_to("far/away")
    with outputs.locked(tmp_path / "link"):
        (tmp_path / "link" / "x").touch()
    assert names(tmp_path / "far" / "away") == ["x"]
    assert (tmp_path / "link").is_symlink()


@pytest.mark.parametrize(("name", "reason"), [("file", "it is a file"), ("file/x", "Not a directory")])
@unix
def test_a_folder_that_cannot_be_written_is_refused(tmp_path, name, reason):
    (tmp_path / "file").touch()
    with (
        pytest.raises(InputError, match=f"results folder .* can't be written: {reason}"),
        outputs.made(tmp_path / name),
    ):
        pytest.fail("nothing is to be timed")
    assert names(tmp_path) == ["file"]


def test_a_folder_in_use_is_refused_and_one_whose_user_died_is_not(tmp_path):
    with outputs.locked(tmp_path):
        with pytest.raises(InputError, match="is in use by another"), outputs.locked(tmp_path):
            pytest.fail("two at once")
        with pytest.raises(InputError, match="is in use by another"), outputs.locked(tmp_path):
            pytest.fail("two at once")
    (tmp_path / outputs.LOCK).touch()  # as kill -9 leaves it
    with outputs.locked(tmp_path):
        pass
    assert names(tmp_path) == []


def test_a_folder_in_the_place_of_the_records_is_told(tmp_path):
    (tmp_path / store.FILE).mkdir()
    with pytest.raises(InputError, match="can't be read and written: Is a directory"):
        store.recover(tmp_path / store.FILE, record.Record, record.SCHEMA)
