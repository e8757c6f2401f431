"""A folder to write engine files in, and a repository of somebody else's."""

import pytest
from git_repositories import NEW, PACKAGE, Repository


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """The current folder, and a function that writes a file in it."""
    monkeypatch.chdir(tmp_path)

    def write(name, content):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content, encoding="utf-8")
        return name

    write.path = tmp_path
    return write


@pytest.fixture
def repo(tmp_path):
    """The package changed once."""
    made = Repository(tmp_path / "repo")
    made.commit({f"{PACKAGE}/__init__.py": NEW, "pyproject.toml": b"[project]\n"})
    return made
