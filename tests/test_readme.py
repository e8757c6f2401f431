"""What the READMEs show works when it is pasted, and what they name is there."""

import re
import shlex

import numpy as np
import pytest
from repository import ROOT

from backprop import Network
from backprop.check import verify
from bench.cells import entry
from bench.cli import main as cli

FOLDERS = [".", "backprop", "bench", "results"]


def text_of(folder):
    return (ROOT / folder / "README.md").read_text()


def commands(text):
    """Each line of the blocks of commands, as a shell would split it; a line that goes on is one."""
    lines = text.replace("\\\n", " ").splitlines()
    return [shlex.split(line, comments=True) for line in lines if re.match(r" {4}(backprop-bench|make|pytest) ?", line)]


def anchor(heading):
    """What GitHub calls a heading in a link."""
    return re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-")


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_the_engine_is_complete_short_and_right(tmp_path, dtype):
    (block,) = re.findall(r"```python\n(.*?)```", text_of("backprop"), re.DOTALL)
    assert len(block.splitlines()) <= 30
    assert f"one of {len(block.splitlines())} lines" in text_of(".")
    path = tmp_path / "mine.py"
    path.write_text(block)
    (mine,) = entry.resolve([str(path)])
    rng = np.random.default_rng(0)
    x, y = rng.random((11, 9)).astype(dtype), rng.random((11, 3)).astype(dtype)
    assert verify(mine.make, Network.random((9, 6, 5, 3), rng, dtype), x, y, 10) < 1e-5


@pytest.mark.parametrize("folder", [*FOLDERS, "tests/trials"])
def test_every_file_and_heading_it_links_to_is_there(folder):
    links = re.findall(r"\]\(([^):#]*)(?:#([^)]+))?\)", text_of(folder))
    assert links
    for name, part in links:
        path = ROOT / folder / name if name else ROOT / folder / "README.md"
        assert path.exists(), name
        if part:
            assert part in map(anchor, re.findall(r"^#+ (.*)", path.read_text(), re.MULTILINE)), f"{name}#{part}"


@pytest.mark.parametrize("folder", FOLDERS)
def test_every_command_is_one(folder):
    targets = re.findall(r"^(\w+):", (ROOT / "Makefile").read_text(), re.MULTILINE)
    group = cli.typer.main.get_command(cli.app)
    found = commands(text_of(folder))
    assert found
    for program, *arguments in found:
        if program == "backprop-bench":
            group.commands[arguments[0]].make_context(arguments[0], arguments[1:])
        elif program == "make":
            assert arguments[0] in targets, arguments
    for name in re.findall(r"(?:`| {4})python ([\w/.]+\w)", text_of(folder)):
        assert (ROOT / name).exists(), name
    for name in re.findall(r"\b(results/published/[\w./-]+\w)", text_of(folder)):
        assert (ROOT / name).exists(), name


def test_the_front_page_is_one():
    assert len(text_of(".").splitlines()) <= 150


def test_the_map_of_the_rooms_is_of_all_rooms_and_names_files_that_are_there():
    rows = dict(re.findall(r"^\| (?:\[(\w+)/\]|here).*?\|(.*)\|$", text_of("bench"), re.MULTILINE))
    assert set(rows) - {""} == {path.parent.name for path in (ROOT / "bench").glob("*/__init__.py")}
    for room, told in rows.items():
        for name in re.findall(r"`(\w+\.py)`", told.replace("`mine.py`", "")):
            assert (ROOT / "bench" / room / name).exists(), f"{room}/{name}"


def test_every_trial_is_told():
    told = re.findall(r"^\| \[(\w+\.py)\]", text_of("tests/trials"), re.MULTILINE)
    assert sorted(told) == sorted(path.name for path in (ROOT / "tests" / "trials").glob("*.py"))
