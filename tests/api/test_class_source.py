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
