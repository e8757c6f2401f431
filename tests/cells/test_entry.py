"""Addresses of engines: names, and files of the user's own."""

import re
import sys

import pytest

from backprop import InputError, Network
from bench.cells import address, entry

MINE = """
from backprop import Engine, Network

class Mine(Engine):
    def __init__(self, network): self.own = network.copy()
    def step(self, x, y, eta): pass
    def network(self): return self.own
"""


def test_a_users_file_is_an_engine(tmp_path):
    path = tmp_path / "mine.py"
    path.write_text(MINE)
    (mine,) = entry.resolve([str(path)])
    assert mine.name == str(path)
    assert type(mine.make(Network.random((2, 1), __import__("numpy").random.default_rng(0)))).__name__ == "Mine"


def test_a_file_may_build_on_a_built_in_engine(tmp_path):
    path = tmp_path / "mine.py"
    path.write_text("from backprop.engines.full_matrix import FullMatrix\nclass Mine(FullMatrix): pass\nAlias = Mine\n")
    assert entry.resolve([str(path)])[0].make.__name__ == "Mine"


def test_an_address_given_again_gets_a_number():
    field = entry.resolve(["full_matrix", "per_sample", "full_matrix", "full_matrix"])
    assert [contestant.name for contestant in field] == ["full_matrix", "per_sample", "full_matrix#2", "full_matrix#3"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "exactly one subclass .* found none"),
        ("from backprop import Engine", "found none"),
        (MINE + "class Other(Mine): pass", "found Mine, Other"),
        ("class Mine(", "SyntaxError"),
        ("import no_such_module", "ModuleNotFoundError: No module named 'no_such_module'"),
        ("1 / 0", "ZeroDivisionError"),
    ],
)
def test_a_file_that_is_no_engine_is_refused(tmp_path, text, message):
    path = tmp_path / "mine.py"
    path.write_text(text)
    with pytest.raises(InputError, match=message) as refusal:
        entry.resolve([str(path)])
    assert "mine.py" in str(refusal.value)


def test_a_missing_file_is_named():
    with pytest.raises(InputError, match=r"nowhere/mine\.py does not exist"):
        entry.resolve(["nowhere/mine.py"])


@pytest.mark.parametrize(
    ("name", "package"),
    [
        ("numba_jit", "numba"),
        ("torch_eager", "torch"),
        ("jax_jit", "jax"),
        ("tensorflow_xla", "tensorflow"),
        ("autograd_tape", "autograd"),
    ],
)
def test_an_engine_whose_package_is_missing_says_how_to_install_it(monkeypatch, name, package):
    monkeypatch.setitem(sys.modules, package, None)  # as if it were not there
    for module in [
        f"backprop.engines.{name}",
        *(held for held in sys.modules if held.startswith("backprop.compiled.")),
    ]:
        monkeypatch.delitem(sys.modules, module, raising=False)
    message = f"engine {name} needs the package {package}, which is not installed: pip install {package}"
    with pytest.raises(InputError, match=re.escape(message)):
        entry.resolve([name])


def test_all_that_is_missing_is_told_at_once(monkeypatch):
    for package, name in (("torch", "torch_eager"), ("autograd", "autograd_tape")):
        monkeypatch.setitem(sys.modules, package, None)
        monkeypatch.delitem(sys.modules, f"backprop.engines.{name}", raising=False)
    with pytest.raises(InputError) as told:
        entry.resolve(["per_sample", "torch_eager", "autograd_tape"])
    assert str(told.value) == (
        "engine torch_eager needs the package torch, which is not installed: pip install torch; "
        "engine autograd_tape needs the package autograd, which is not installed: pip install autograd"
    )


def test_a_compiler_that_is_missing_is_named(monkeypatch):
    pytest.importorskip("torch")
    monkeypatch.setenv("PATH", "")
    monkeypatch.delenv("CXX", raising=False)
    monkeypatch.delitem(sys.modules, "backprop.engines.torch_compiled", raising=False)
    with pytest.raises(InputError, match="needs a C\\+\\+ compiler"):
        entry.resolve(["torch_compiled"])


@pytest.mark.parametrize(
    ("lists", "found"),
    [
        (["per_sample,full_matrix"], ["per_sample", "full_matrix"]),
        ([" per_sample , full_matrix,fused@HEAD "], ["per_sample", "full_matrix", "fused@HEAD"]),
        (["per_sample", "full_matrix,fused"], ["per_sample", "full_matrix", "fused"]),
        (["a, b.py"], ["a, b.py"]),
        (["a, b.py,fused"], ["a", "b.py", "fused"]),
        (["fused," * 200 + "fused"], ["fused"] * 201),
        ([""], [""]),
        ([], []),
    ],
)
def test_a_list_may_have_blanks_and_a_file_a_comma_in_its_name(tmp_path, monkeypatch, lists, found):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a, b.py").write_text(MINE)
    assert address.addresses(*lists) == found
