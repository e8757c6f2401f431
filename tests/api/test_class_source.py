"""A class of a notebook's cell is an engine file of its own, with what it names; or what can't come along is told."""

import linecache
import sys

import numpy as np
import pytest

from backprop import InputError, Network
from bench.cells.class_source import source_of
from bench.cells.entry import resolve

CELL = '''
import numpy as np
import math as m
from backprop import Engine
from backprop.engines.full_matrix import FullMatrix
from collections import OrderedDict as Ordered

RATE = 1.0
TABLE = {"rates": [RATE, 2.0], "names": ("a", None)}

def scaled(eta):
    return eta * RATE * TABLE["rates"][0] * m.exp(0)

class Base(FullMatrix):
    """A base."""

class Mine(Base):
    order = Ordered(a=1)

    def step(self, x: np.ndarray, y, eta: "Unknown"):
        inner = [scaled(eta) for _ in range(1)]
        super().step(x, y, inner[0])

class Same(Base):
    pass
'''


@pytest.fixture
def cell(monkeypatch):
    """Run the text of a cell, as a notebook would, and give the globals."""
    main = sys.modules["__main__"]
    before = dict(vars(main))

    def run(text):
        name = f"<cell {len(linecache.cache)}>"
        linecache.cache[name] = (len(text), None, text.splitlines(True), name)
        exec(compile(text, name, "exec"), vars(main))
        return vars(main)

    yield run
    vars(main).clear()
    vars(main).update(before)


def test_what_a_class_names_comes_along_and_nothing_else(cell):
    mine = cell(CELL)["Mine"]
    text = source_of(mine)
    for part in ("import math as m", "OrderedDict as Ordered", "RATE = 1.0", "TABLE = ", "def scaled", "class Base(F"):
        assert text.count(part) == 1, part
    assert text.index("class Base") < text.index("class Mine")
    assert "class Same" not in text
    assert source_of(mine) == text
    (entry,) = resolve([mine])
    assert entry.name == "Mine"
    network = Network.random((3, 2, 1), np.random.default_rng(0))
    engine = entry.make(network)
    engine.step(np.ones((2, 3)), np.ones((2, 1)), 1.0)
    assert type(engine).__mro__[1].__name__ == "Base"


STEP = "class Odd(Base):\n    def step(self, x, y, eta):\n        {}\n        super().step(x, y, eta)\n"


@pytest.mark.parametrize(
    ("before", "uses", "part"),
    [
        ("own = data = np.ones(3)\n", "self.own = self.data = x.size", ""),  # attributes, not the notebook's names
        ("sigmoid = lambda z: 1 / (1 + np.exp(-z))\n", "sigmoid(x)", "sigmoid = lambda z: 1"),
        ("from functools import lru_cache\n@lru_cache\ndef f(n): return n\n", "f(1)", "@lru_cache\ndef f"),
        ("from scipy.linalg.blas import dgemm as mm\n", "mm(1.0, x, x.T)", "from scipy.linalg.blas import dgemm as mm"),
        ("from scipy.special import expit\n", "expit(x)", "expit as expit"),
        ("import xml.etree.ElementTree\n", "xml.etree.ElementTree.XML('<x/>')", "import xml.etree.ElementTree"),
        ("from numpy import *\n", "assert max(x, axis=0).size", "from numpy import max as max"),
        ("HALF, ROOT = float('-inf'), np.sqrt(2)\n", "HALF + ROOT", "HALF = float('-inf')"),
        ("KINDS = {'b', 'a', 'c'}\n", "KINDS", "KINDS = {'a', 'b', 'c'}"),
        ("from dataclasses import dataclass\n@dataclass\nclass Pair:\n    one: int = 1\n", "Pair(2)", "class Pair"),
        ("from collections import namedtuple\nPair = namedtuple('Pair', 'a b')\n", "Pair(1, 2)", "Pair = namedtuple"),
        ("def f(): return 1\ng = f\n", "g() + f()", "g = f"),
        ("def even(n): return n < 1 or odd(n - 1)\ndef odd(n): return n > 0 and even(n - 1)\n", "even(4)", "def odd"),
    ],
)
def test_it_runs_with_what_it_names(cell, before, uses, part):
    odd = cell(CELL + before + STEP.format(uses))["Odd"]
    assert source_of(odd).count(part) == 1 or not part
    engine = resolve([odd])[0].make(Network.random((3, 2, 1), np.random.default_rng(0)))
    assert type(engine).__module__ != "__main__"
    engine.step(np.ones((2, 3)), np.ones((2, 1)), 1.0)


def test_a_class_that_was_changed_is_another(cell):
    before = resolve([cell(CELL)["Same"]])[0]
    again = resolve([cell(CELL)["Same"]])[0]
    changed = resolve([cell(CELL.replace("class Same(Base):\n    pass", "class Same(Base):\n    x = 1"))["Same"]])[0]
    assert before.digest == again.digest != changed.digest


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "data = np.ones(3)\nclass Odd(Base):\n    def __init__(self, n): self.d = data; super().__init__(n)\n",
            "engine class Odd uses data of the notebook, a ndarray, which can't be sent to the processes",
        ),
        (
            STEP.format("pass") + "def other(self, x, y, eta): pass\nOdd.step = other\n",
            "engine class Odd: step was put into Odd later: define it in the class",
        ),
        (
            "def f(): return 1\ng = f\ndef f(): return 2\n" + STEP.format("g()"),
            "engine class Odd uses g, which was called f, as another is now: rename one",
        ),
        (
            "from functools import partial\nf = partial(int)\n" + STEP.format("f(1)"),
            "uses f of the notebook, a partial,",
        ),
        (
            "if True:\n" + "\n".join("    " + each for each in STEP.format("pass").splitlines()),
            "source of Odd can't be",
        ),
        ("def make():\n    class Odd(Base): pass\n    return Odd\nOdd = make()\n", "is made inside of something else"),
        (
            "def make():\n    def odd(): return 1\n    return odd\nodd = make()\nclass Odd(Base):\n    x = odd()\n",
            "engine class Odd needs odd, which is made inside of a function: define it at the top of a cell",
        ),
    ],
)
def test_what_can_not_come_along_is_named(cell, text, message):
    with pytest.raises(InputError, match=message):
        resolve([cell(CELL + text)["Odd"]])


def test_a_class_without_source_is_refused(cell):
    made = cell(CELL)
    exec("class Gone(Base): pass", made)
    with pytest.raises(InputError, match="the source of Gone can't be found"):
        resolve([made["Gone"]])


@pytest.mark.parametrize("thing", [3, int, None, "class"])
def test_what_is_no_engine_is_refused(thing):
    with pytest.raises(InputError, match=r"an engine is an address, such as|unknown engine"):
        resolve([thing])
