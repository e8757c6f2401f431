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
    ("statement", "inner"),
    [
        ("import kit.inner", True),
        ("from kit import inner", True),
        ("from .kit import inner", True),
        ("from . import kit; from .kit.inner import *", True),
        ("def later(): from kit.inner import deep", True),
        ("import importlib; importlib.import_module('kit')", False),
        ("import importlib; importlib.import_module('kit.inner')", True),
        ("import other  # which imports kit", False),
        ("import plain.part  # a folder without __init__.py", False),
        ("name = 'k' + 'it'; __import__(name)", False),
        ("name = 'k' + 'it.inner'; __import__(name)", True),
    ],
)
def test_all_that_is_imported_of_a_helper_counts_and_nothing_else(folder, statement, inner):
    folder("kit/__init__.py", "")
    folder("kit/inner.py", "from . import deep")
    folder("kit/deep.py", "VALUE = 1")
    folder("kit/data.txt", "no code")
    folder("other.py", "import kit")
    folder("plain/part.py", "import kit, __main__\ndef never(): __import__(''), __import__('.x')")
    mine = folder("mine.py", f"{statement}\n{MINE}")
    (before,) = resolve([mine])
    more = {"mine.py", "other.py", "plain/part.py"}
    assert set(before.files) - more == {"kit/__init__.py", *({"kit/inner.py", "kit/deep.py"} if inner else ())}
    folder("kit/deep.py", "VALUE = 2")
    assert (digests(mine) != [before.digest]) == inner
    folder("kit/__init__.py", "VALUE = 2")
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


@pytest.mark.parametrize(
    "statement",
    [
        "from knobs import RATE",
        "from .knobs import RATE",
        "RATE = __import__('knobs').RATE",
        "import importlib; RATE = importlib.import_module('knobs').RATE",
        "from importlib import import_module as get; RATE = get('kno' + 'bs').RATE",
        "import importlib as i; RATE = i.import_module('.knobs', __package__).RATE",
        "import importlib.util; assert importlib.util.find_spec('json'); from knobs import RATE",
    ],
)
def test_helpers_of_one_name_are_each_files_own(folder, statement):
    for team in ("a", "b"):
        folder(f"{team}/knobs.py", f"RATE = '{team}'")
        folder(f"{team}/late.py", f"{MINE}\n{statement}\n")
    makes = loaded("a/late.py", "b/late.py")
    assert [sys.modules[make.__module__].RATE for make in makes] == ["a", "b"]


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
