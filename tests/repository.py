"""This repository, and one like it to change and to commit in."""

import shutil
import subprocess
from pathlib import Path

ROOT = Path(__file__).parents[1]


class Repository:
    """A git repository of its own with this project's packages and two of its engines, to change and to commit in."""

    def __init__(self, folder):
        self.folder = folder
        for package in ("backprop", "bench"):
            shutil.copytree(ROOT / package, folder / package, ignore=shutil.ignore_patterns("__pycache__"))
        for path in (folder / "backprop" / "engines").iterdir():
            if path.stem not in ("__init__", "full_matrix", "per_sample"):
                path.unlink()
        shutil.copy(ROOT / "pyproject.toml", folder)
        self.git("init", "--quiet", "--initial-branch=main")
        self.commit()

    def git(self, *arguments):
        identity = ("-c", "user.name=test", "-c", "user.email=test@localhost")
        command = ["git", *identity, *arguments]
        done = subprocess.run(command, cwd=self.folder, check=True, capture_output=True, text=True)
        return done.stdout.strip()

    def commit(self):
        self.git("add", "--all")
        self.git("commit", "--quiet", "--allow-empty", "--message", "a change")
        return self.git("rev-parse", "HEAD")

    def engine(self, name):
        return self.folder / "backprop" / "engines" / f"{name}.py"

    def edit(self, path, old, new):
        text = (self.folder / path).read_text()
        assert old in text
        (self.folder / path).write_text(text.replace(old, new))

    def change(self, path):
        """A change of the code that makes no difference."""
        with (self.folder / path).open("a") as file:
            file.write("CHANGED = True\n")
