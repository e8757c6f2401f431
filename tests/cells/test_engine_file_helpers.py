"""The helpers beside a user's file: found, counted as its code, and refused where their names are taken."""

import sys

import pytest
from engine_files import CELL, IMPORT, LATE, LATER, MINE, digests, failed, loaded

from backprop import InputError
from bench.cells.entry import resolve
from bench.sweep.run import plan


@pytest.mark.parametrize("content", [LATE, LATER])
def test_helpers_beside_a_file_are_found_at_once_and_later(folder, content):
    """A wrong one, so that it is told whether the helper was the right one."""
    folder("team/knobs.py", "RATE = 1.0")
    late = folder("team/late.py", content)
    before = digests(late)
    assert failed(late) == [None]
    folder("team/knobs.py", "RATE = 2.0")
    assert digests(late) != before
    assert "off by" in failed(late)[0]
    assert not list(folder.path.glob("**/__pycache__"))


@pytest.mark.parametrize(
    "statement",
    [
        "import kit.inner",
        "from kit import inner",
        "def later(): from kit.inner import deep",
        "import importlib; importlib.import_module('kit')",
        "import other  # which imports kit",
        "import plain.part  # a folder without __init__.py",
        "name = 'k' + 'it'; __import__(name)",
    ],
)
def test_all_that_a_helper_is_made_of_counts(folder, statement):
    folder("kit/__init__.py", "")
    folder("kit/inner.py", "from . import deep")
    folder("kit/deep.py", "VALUE = 1")
    folder("kit/data.txt", "no code")
    folder("other.py", "import kit")
    folder("plain/part.py", "import kit, __main__\ndef never(): __import__(''), __import__('.x')")
    mine = folder("mine.py", f"{statement}\n{MINE}")
    (before,) = resolve([mine])
    more = {"other.py", "plain/part.py"}
    assert set(before.helpers) - more == {"kit/__init__.py", "kit/inner.py", "kit/deep.py"}
    folder("kit/deep.py", "VALUE = 2")
    assert digests(mine) != [before.digest]


def test_a_sweep_notices_a_helper_that_has_changed(folder):
    folder("team/knobs.py", "RATE = 1.0")
    late = folder("team/late.py", LATER)
    whole = {"seconds": 1.0, "floor": False, "allocator": "pinned", "software": None, "machine": None}
    before = plan([CELL], resolve([late]), **whole)
    folder("team/knobs.py", "RATE = 2.0")
    assert before.engines != plan([CELL], resolve([late]), **whole).engines


def test_what_lies_beside_a_file_and_is_not_imported_does_not_count(folder):
    mine = folder("mine.py", "import scipy\n" + MINE)
    before = digests(mine)
    folder("knobs.py", "RATE = 1.0")
    folder("scipy/setup.py", "raise ImportError('a clone of another project')")
    folder("backprop/__init__.py", "raise ImportError('a clone of this very project')")
    folder("numpy.py", "raise ImportError('stands in nobody's way')")
    assert digests(mine) == before
    assert failed(mine) == [None]


def test_helpers_of_one_name_are_refused_by_name(folder):
    for team in ("a", "b"):
        folder(f"{team}/knobs.py", f"RATE = '{team}'")
    late = [folder(f"{team}/late.py", LATE) for team in ("a", "b")]
    with pytest.raises(InputError, match=r"^engine file b/late\.py imports knobs, .* another .*a/knobs\.py: rename"):
        loaded(*late)
    assert [sys.modules[make.__module__].RATE for (make,) in (loaded(late[0]), loaded(late[1]))] == ["a", "b"]


def test_a_helper_that_is_hidden_by_an_installed_module_is_refused(folder):
    folder("random.py", "choice = max")
    mine = folder("mine.py", "import random\n" + MINE)
    with pytest.raises(
        InputError, match=r"^engine file mine\.py imports random, which lies beside it, .*random\.py: r"
    ):
        loaded(mine)


def test_folders_that_a_file_adds_to_the_path_are_searched_last(folder):
    folder("lib/tools.py", "VALUE = 1")
    path = "import sys; sys.path.insert(0, 'lib')\n"
    (mine,) = loaded(folder("mine.py", path + IMPORT + "class Mine(FullMatrix):\n    def late(self): import tools\n"))
    assert sys.path[0] != "lib"
    mine.late(None)
    sys.path.remove("lib")
