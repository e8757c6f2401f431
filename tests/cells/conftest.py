"""A folder to write engine files in."""

import pytest


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
