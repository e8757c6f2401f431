"""A repository of somebody else's: a package with two engines and a helper module, and a benchmark of their own."""

from repository import GitFolder

KERNELS = '''"""What an engine is made of."""

import numpy as np


def gradient(delta, below):
    return delta.T @ below
'''
ENGINES = '''"""Two engines of our own."""

from __future__ import annotations

import numpy as np

from backprop import Engine, Network


class Plain(Engine):
    """The whole mini-batch at once."""

    def __init__(self, network: Network) -> None:
        self.own = network.copy()

    def step(self, x, y, eta):
        activations = [x]
        for weights, biases in zip(self.own.weights, self.own.biases):
            activations.append(1 / (1 + np.exp(-(activations[-1] @ weights.T + biases))))
        a = activations.pop()
        delta = (a - y) * a * (1 - a) / len(x)
        for weights, biases in zip(reversed(self.own.weights), reversed(self.own.biases)):
            below = activations.pop()
            of_weights, of_biases = self.gradient(delta, below), delta.sum(axis=0)
            delta = delta @ weights * below * (1 - below)
            weights -= eta * of_weights
            biases -= eta * of_biases

    def gradient(self, delta, below):
        return delta.T @ below

    def network(self) -> Network:
        return self.own.copy()
'''
TILED = """from mypkg.engines import Plain
from mypkg.kernels import gradient


class Tiled(Plain):
    def gradient(self, delta, below):
        return gradient(delta, below)
"""
OWN_BENCHMARK = """def test_own(benchmark):
    assert benchmark(sum, range(10)) == 45
"""
PROJECT = """[project]
name = "theirs"
version = "1"
dependencies = ["numpy"]

[tool.backprop-bench]
engines = ["mypkg.engines:Plain", "src/mypkg/tiled.py"]
grid = "grid.toml"
tolerance = "40%"
budget = 60
"""
SLOWER = "    for _ in range(300):\n        delta.T @ below\n    return delta.T @ below"


class Theirs(GitFolder):
    """The repository, to change and to commit in."""

    def __init__(self, folder):
        super().__init__(folder)
        folder.mkdir(parents=True)
        self.git("init", "--quiet", "--initial-branch=main")
        self.write("src/mypkg/__init__.py", "")
        self.write("src/mypkg/kernels.py", KERNELS)
        self.write("src/mypkg/engines.py", ENGINES)
        self.write("src/mypkg/tiled.py", TILED)
        self.write("tests/test_own.py", OWN_BENCHMARK)
        self.write("pyproject.toml", PROJECT)
        self.write("grid.toml", 'sizes = ["8-6-3"]\nbatch = [4]\n')
        self.commit()

    def write(self, path, text):
        (self.folder / path).parent.mkdir(parents=True, exist_ok=True)
        (self.folder / path).write_text(text)
