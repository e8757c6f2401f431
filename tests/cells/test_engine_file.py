"""A user's file is a module like any other; or it is refused in one line."""

import os
import pickle
import signal
import subprocess
import sys
import time
import typing
import warnings
from pathlib import Path

import numpy as np
import pytest
from engine_files import IMPORT, LATER, MINE, failed, loaded, raced
from repository import ROOT

from backprop import Network
from bench.cells.entry import resolve

BOXED = f"""from __future__ import annotations
from dataclasses import dataclass
{IMPORT}
@dataclass
class Settings:
    block: int = 64

class Mine(FullMatrix):
    settings = Settings()
    def tuned(self) -> Settings: return self.settings
"""
POOLED = f"""import multiprocessing
from concurrent.futures import ProcessPoolExecutor
from functools import cache
{IMPORT}
def share(v): return 2 * v

@cache
def pool(): return ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("{{how}}"))

class Mine(FullMatrix):
    def __init__(self, network):
        super().__init__(network)
        assert pool().submit(share, 21).result(timeout=30) == 42
"""


def test_a_file_is_a_module_that_is_registered(folder):
    (mine,) = loaded(folder("boxed.py", BOXED))
    module = sys.modules[mine.__module__]
    assert module.Mine is mine
    assert module.__file__ == str(folder.path / "boxed.py")
    assert typing.get_type_hints(mine.tuned)["return"] is module.Settings
    assert pickle.loads(pickle.dumps(module.Settings(3))).block == 3
    engine = mine(Network.random((2, 1), np.random.default_rng(0)))
    assert type(pickle.loads(pickle.dumps(engine))) is mine


@pytest.mark.parametrize("how", ["fork", "spawn"])
def test_it_may_have_a_pool_of_processes(folder, how):
    if how not in __import__("multiprocessing").get_all_start_methods():
        pytest.skip("not on this platform")
    assert failed(folder("pooled.py", POOLED.format(how=how))) == [None]


@pytest.mark.parametrize(
    "name", ["numpy.py", "random.py", "test.py", "my engine.py", "rückwärts.py", "v1.2.py", "class.py", "__init__.py"]
)
def test_whatever_a_file_is_called_it_works(folder, name):
    import random

    (mine,) = loaded(
        folder(name, "import random, numpy as np\n" + MINE + "    half = np.float32(random.choice([0.5]))\n")
    )
    assert mine.half == 0.5
    assert sys.modules["random"] is random
    assert pickle.loads(pickle.dumps(mine)) is mine


def test_two_files_of_one_name_are_two_modules(folder):
    a, b = loaded(folder("a/mine.py", MINE + "    whose = 'a'\n"), folder("b/mine.py", MINE + "    whose = 'b'\n"))
    assert (a.whose, b.whose) == ("a", "b")
    assert sys.modules[a.__module__] is not sys.modules[b.__module__]


def test_a_file_that_has_changed_is_imported_anew_and_one_that_has_not_is_not(folder):
    path = folder("mine.py", MINE)
    (first,) = loaded(path)
    assert loaded(path, path) == [first, first]
    folder("mine.py", MINE + "    changed = True\n")
    assert loaded(path)[0].changed


def test_the_file_is_raced_in_its_own_place_and_as_it_was_where_that_is_gone(folder):
    content = f"from pathlib import Path\n{MINE}    data = Path(__file__).with_name('data.txt').read_text()\n"
    folder("team/data.txt", "some")
    here = folder("team/mine.py", content)
    assert failed(here) == [None]
    folder("team/knobs.py", "RATE = 1.0")
    late = folder("team/late.py", LATER)
    entries = resolve([late, here])
    folder("team/late.py", "changed")
    folder("team/knobs.py", "changed")
    folder("team/mine.py", "changed")
    found = raced(entries)
    assert [one.failed for one in found] == [False, True]  # a copy has no data beside it, and the others are raced
    assert found[1].left_out.startswith("engine file team/mine.py fails on import: FileNotFoundError")
    assert entries[0].laid().code.folder != entries[0].code.folder


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("import sys; sys.exit()", "engine file quits.py ends the program on import (SystemExit)"),
        ("import sys; 'demo' in sys.argv or sys.exit(1)", "engine file quits.py ends the program on import"),
        ("import os; os._exit(0)", "engine file quits.py ends the program on import (SystemExit)"),
        ("raise GeneratorExit", "engine file quits.py fails on import: GeneratorExit"),
        ("class Stop(BaseException): pass\nraise Stop('two\\nlines')", "fails on import: Stop: two lines"),
        ("input()", "engine file quits.py fails on import: EOFError"),
        ("from . import knobs", "engine file quits.py fails on import: ValueError: a broken helper"),
        ("import knobs", "engine file quits.py fails on import: ValueError: a broken helper"),
    ],
)
@pytest.mark.parametrize(
    "command", [("race",), ("train", "--engine"), ("sweep", "--grid", "smoke", "--out", "o", "--engine")]
)
def test_a_file_that_ends_the_program_is_told_in_a_line(call, folder, command, line, message):
    folder("knobs.py", "raise ValueError('a broken helper')")
    folder("quits.py", MINE + line)
    status, _, err = call(*command, "quits.py" if len(command) > 1 else "full_matrix,quits.py")
    assert (status, err.count("\n")) == (2, 1)
    assert message in err
    assert not (folder.path / "o").exists()


def test_arguments_are_those_of_a_script_of_its_own(folder):
    folder("mine.py", "import argparse\nargparse.ArgumentParser().parse_args()\n" + MINE)
    assert loaded("mine.py")


def test_what_a_file_changes_on_import_is_put_back(folder):
    lines = [
        "import os, random, signal, sys, warnings, numpy as np",
        "np.seterr(all='raise'); np.random.seed(0); random.seed(0)",
        "warnings.simplefilter('error'); os.chdir('/'); os.environ['MINE'] = '1'",
        "signal.signal(signal.SIGINT, signal.SIG_IGN); sys.stdout = None",
    ]
    before = np.geterr(), list(warnings.filters), signal.getsignal(signal.SIGINT), np.random.get_state()[1].tolist()
    loaded(folder("strict.py", "\n".join([*lines, MINE])))
    assert Path.cwd() == folder.path
    assert "MINE" not in os.environ
    assert sys.stdout
    after = np.geterr(), list(warnings.filters), signal.getsignal(signal.SIGINT), np.random.get_state()[1].tolist()
    assert after == before


def test_what_a_file_prints_on_import_is_no_part_of_what_a_command_says(call, folder):
    folder("loud.py", "print('hear, hear')\n" + MINE)
    status, out, _ = call("race", "loud.py", "--sizes", "4-3-2", "--seconds", 0.1, "--no-floor")
    assert status == 0
    assert "hear" not in out


@pytest.mark.filterwarnings("ignore:.*fork")  # JAX's, where another test has loaded it into this process before
def test_a_process_that_is_forked_on_import_ends_as_it_would(folder):
    fork = "import os\nif not (child := os.fork()): os._exit(7)\n"
    wait = "ended = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])\n"
    (mine,) = loaded(folder("forks.py", fork + wait + MINE))
    assert sys.modules[mine.__module__].ended == 7


@pytest.mark.parametrize(
    "lines",
    [
        """
import multiprocessing, threading, time
from concurrent.futures import ProcessPoolExecutor
threading.Thread(target=time.sleep, args=(600,)).start()
multiprocessing.Process(target=time.sleep, args=(600,)).start()
ProcessPoolExecutor(1).submit(abs, 1).result()
""",
        """
import os, time
os.fork() or time.sleep(600)
os.fork()  # and the copy goes on
""",
    ],
)
def test_what_a_file_starts_on_import_keeps_no_command_from_ending(folder, lines):
    folder("starts.py", f"{lines}{MINE}class Other(Mine): pass")  # is refused, after its import
    command = [sys.executable, "-m", "bench", "race", "starts.py"]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    errors = folder.path / "errors"  # no pipe, which would be at its end when the last process is
    with errors.open("w") as file:
        done = subprocess.Popen(command, env=environment, stderr=file, start_new_session=True)
    assert done.wait(timeout=60) == 2
    assert errors.read_text().count("\n") == 1
    assert "found Mine, Other" in errors.read_text()
    time.sleep(0.1)
    with pytest.raises(ProcessLookupError):
        os.killpg(done.pid, 0)
