"""This repository, and one like it to change and to commit in."""

import shutil
import subprocess
from pathlib import Path

ROOT = Path(__file__).parents[1]


OLD = """
from typing import NamedTuple

import numpy as np

from ..engine import Engine


class Network(NamedTuple):
    weights: list
    biases: list

    @property
    def dtype(self):
        return self.weights[0].dtype

    @property
    def sizes(self):
        return (self.weights[0].shape[1], *(w.shape[0] for w in self.weights))

    def copy(self):
        return Network([w.copy() for w in self.weights], [b.copy() for b in self.biases])


class Old(Engine):
    def __init__(self, network):
        self.own = Network(network.weights, network.biases).copy()

    def step(self, x, y, eta):
        activations = [x]
        for w, b in zip(*self.own):
            activations.append(1 / (1 + np.exp(-(activations[-1] @ w.T + b))))
        delta = (activations[-1] - y) / len(x)
        for w, b in zip(*map(reversed, self.own)):
            a = activations.pop()
            delta = delta * a * (1 - a)
            grad_w, grad_b = delta.T @ activations[-1], delta.sum(axis=0)
            delta = delta @ w
            w -= eta * grad_w
            b -= eta * grad_b

    def network(self):
        return self.own.copy()
"""


class GitFolder:
    """A folder under version control, to change and to commit in."""

    def __init__(self, folder):
        self.folder = folder

    def git(self, *arguments):
        identity = ("-c", "user.name=test", "-c", "user.email=test@localhost")
        command = ["git", *identity, *arguments]
        done = subprocess.run(command, cwd=self.folder, check=True, capture_output=True, text=True)
        return done.stdout.strip()

    def commit(self):
        self.git("add", "--all")
        self.git("commit", "--quiet", "--allow-empty", "--message", "a change")
        return self.git("rev-parse", "HEAD")

    def edit(self, path, old, new):
        text = (self.folder / path).read_text()
        assert old in text
        (self.folder / path).write_text(text.replace(old, new))


class Repository(GitFolder):
    """A git repository of its own with this project's packages and two of its engines, to change and to commit in."""

    def __init__(self, folder):
        super().__init__(folder)
        for package in ("backprop", "bench"):
            shutil.copytree(ROOT / package, folder / package, ignore=shutil.ignore_patterns("__pycache__"))
        for path in (folder / "backprop" / "engines").iterdir():
            if path.stem not in ("__init__", "full_matrix", "per_sample"):
                path.unlink()
        shutil.copy(ROOT / "pyproject.toml", folder)
        self.git("init", "--quiet", "--initial-branch=main")
        self.commit()

    def before_functions(self):
        """Commit engines as they were before networks had functions, which were asked nothing of them."""
        now = {path: path.read_text() for path in (self.folder / "backprop").rglob("*.py")}
        self.edit("backprop/engine.py", "def handles(", "def not_yet_asked(")
        self.edit("backprop/engine.py", "    labels_only: ClassVar[bool] = False\n", "")
        for name in ("full_matrix", "per_sample"):
            self.engine(name).write_text(OLD)
        commit = self.commit()
        for path, text in now.items():
            path.write_text(text)
        return commit

    def engine(self, name):
        return self.folder / "backprop" / "engines" / f"{name}.py"

    def change(self, path):
        """A change of the code that makes no difference."""
        with (self.folder / path).open("a") as file:
            file.write("CHANGED = True\n")
