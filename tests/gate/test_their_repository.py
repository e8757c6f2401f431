"""The gate in a repository of somebody else's: it judges their engines by their history, and touches nothing there."""

import importlib.machinery
import json

import pytest
from their_repository import SLOWER, Theirs

from bench.cells.entry import resolve
from bench.timing import process

HELPER = "src/mypkg/kernels.py"
PLAIN, TILED = "mypkg.engines:Plain", "src/mypkg/tiled.py"


@pytest.fixture
def theirs(tmp_path, monkeypatch):
    made = Theirs(tmp_path / "theirs")
    monkeypatch.chdir(made.folder)
    return made


def state(theirs):
    """All that a command could have changed there: files, the index and the reflog among them."""
    files = [path for path in theirs.folder.rglob("*") if path.is_file()]
    return {path: (path.read_bytes(), path.stat().st_mtime_ns) for path in files}


@pytest.fixture
def gate(call, tmp_path):
    """Run the gate; gives its exit status, the states of engines not raced, and the verdicts on the others."""

    def run(*arguments):
        json_file = tmp_path / "gate.json"
        status, _, err = call("gate", "--json", json_file, *arguments)
        if status == 2:
            return status, err, {}
        record = json.loads(json_file.read_text())
        states = {standing["engine"]: standing["state"] for standing in record["standings"]}
        return status, states, {found["engine"]: found["verdict"] for found in record["findings"]}

    return run


def test_three_commits_of_theirs_are_judged_by_what_they_did(theirs, gate):
    """A slowdown in the helper is found, and only there; a comment is told at once; a wrong gradient is wrong."""
    theirs.edit(HELPER, "    return delta.T @ below", SLOWER)
    theirs.commit()
    status, states, verdicts = gate("--against", "HEAD~1")
    assert (status, states, verdicts) == (1, {PLAIN: "unchanged"}, {TILED: "regressed"})
    theirs.edit(HELPER, "import numpy as np\n", "import numpy as np  # as everybody has it\n")
    theirs.commit()
    assert gate("--against", "HEAD~1") == (0, {PLAIN: "unchanged", TILED: "unchanged"}, {})
    theirs.edit(HELPER, "return delta.T @ below", "return 2 * delta.T @ below")
    theirs.commit()
    assert gate("--against", "HEAD~1") == (1, {PLAIN: "unchanged", TILED: "wrong"}, {})


def test_nothing_in_their_repository_changes(theirs, gate):
    theirs.edit(HELPER, "return delta.T @ below", "return (delta.T @ below) + 0.0")
    theirs.git("add", "--all")
    theirs.write("src/mypkg/new.py", "# not yet added")
    before = state(theirs)
    status, states, _ = gate("--against", "HEAD", "--budget", "5")
    assert status in (0, 3)
    assert states == {PLAIN: "unchanged"}
    resolve([f"{TILED}@HEAD", f"{PLAIN}@HEAD"])
    assert state(theirs) == before


@pytest.fixture
def told(call):
    """The line that a run of the gate is refused with."""

    def run(*arguments):
        status, _, err = call("gate", *arguments)
        assert (status, err.count("\n")) == (2, 1)
        return err

    return run


def test_an_engine_new_or_removed_is_told_so(theirs, gate):
    theirs.write("src/mypkg/more.py", (theirs.folder / "src/mypkg/tiled.py").read_text())
    (theirs.folder / "src/mypkg/tiled.py").unlink()
    named = ["--engines", f"src/mypkg/more.py,{TILED},mypkg.tiled:Tiled"]
    assert gate("--against", "HEAD", *named)[1] == {
        "src/mypkg/more.py": "new",
        TILED: "removed",
        "mypkg.tiled:Tiled": "removed",
    }


def test_where_nothing_is_compared_nothing_is_said_to_be_well(theirs, call):
    theirs.write("src/mypkg/more.py", (theirs.folder / "src/mypkg/tiled.py").read_text())
    status, out, _ = call("gate", "--against", "HEAD", "--engines", "src/mypkg/more.py")
    assert status == 0
    assert "no engine could be compared" in out


def test_an_engine_that_has_moved_is_compared_with_what_it_was(theirs, gate):
    (theirs.folder / "lib").mkdir()
    (theirs.folder / "src" / "mypkg").rename(theirs.folder / "lib" / "mypkg")
    assert gate("--against", "HEAD", "--engines", "lib/mypkg/tiled.py")[1] == {"lib/mypkg/tiled.py": "unchanged"}


def test_a_grid_may_stand_in_the_table(theirs, gate, told):
    theirs.edit("pyproject.toml", '"grid.toml"', '{sizes = ["8-6-3"], batch = [4]}')
    assert gate("--against", "HEAD")[0] == 0
    theirs.edit("pyproject.toml", "batch = [4]", "batch = [0]")
    assert "batch must be 1 or more, not 0" in told("--against", "HEAD")


def test_the_table_is_read_from_a_folder_below_and_the_call_comes_first(theirs, gate, told, monkeypatch):
    monkeypatch.chdir(theirs.folder / "src" / "mypkg")
    assert gate("--against", "HEAD")[1] == {PLAIN: "unchanged", "tiled.py": "unchanged"}
    assert gate("--against", "HEAD", "--engines", "tiled.py")[1] == {"tiled.py": "unchanged"}
    assert "name the revision to compare with, such as --against HEAD~1: git knows no revision 'origin/main'" in told()
    theirs.edit("pyproject.toml", "budget = 60", 'against = "HEAD"\nbudget = 60')
    assert gate()[1] == {PLAIN: "unchanged", "tiled.py": "unchanged"}


@pytest.mark.parametrize(
    ("line", "message"),
    [
        (
            "budgets = 60",
            "unknown field `budgets`; it may name engines, grid, against, tolerance, budget",
        ),
        ("budget = 'long'", "Expected `float | null`, got `str` - at `$.budget`"),
        ("budget = ", "pyproject.toml can't be read: Invalid value"),
    ],
)
def test_a_table_that_can_not_be_meant_is_refused(theirs, told, line, message):
    theirs.edit("pyproject.toml", "budget = 60", line)
    assert message in told("--against", "HEAD")


def test_other_dependencies_race_them_all_and_a_package_that_only_the_base_needs_is_named(theirs, gate, told):
    theirs.edit("pyproject.toml", '["numpy"]', '["numpy", "scipy"]')
    assert set(gate("--against", "HEAD", "--budget", "2")[1]) == set()
    theirs.edit(HELPER, "import numpy as np", "import numpy as np\nimport no_such_package")
    theirs.commit()
    theirs.edit(HELPER, "import no_such_package", "")
    assert "the package no_such_package is not installed here: install it" in told("--against", "HEAD")


def test_what_git_ignores_is_shared_if_it_is_generated_and_refused_if_it_is_compiled(theirs, gate, told):
    theirs.write(".gitignore", "_version.py\n_fast*.so\n")
    theirs.write("src/mypkg/_version.py", "version = '1'\n")
    theirs.edit(HELPER, "import numpy as np", "import numpy as np\nfrom ._version import version")
    theirs.commit()
    assert gate("--against", "HEAD")[1] == {PLAIN: "unchanged", TILED: "unchanged"}
    suffix = importlib.machinery.EXTENSION_SUFFIXES[0]
    theirs.write(f"src/mypkg/_fast{suffix}", "")
    theirs.edit(HELPER, "import numpy as np", "import numpy as np\nfrom . import _fast")
    theirs.commit()
    assert "_fast" in told("--against", "HEAD")
    assert "is compiled, and not in git: all versions would share it" in told("--against", "HEAD")


OUTSIDE = """import importlib


def get(name):
    return importlib.import_module(name)
"""


def test_a_changed_module_that_both_versions_would_share_is_refused_by_name(theirs, told, monkeypatch, tmp_path):
    """As where a package of somebody else's imports theirs by its name, and it is installed to be edited."""
    (tmp_path / "outside.py").write_text(OUTSIDE)
    monkeypatch.setattr(process, "SEARCHED", [str(theirs.folder / "src"), str(tmp_path)])
    theirs.edit(
        "src/mypkg/tiled.py", "from mypkg.kernels", "import outside\n\noutside.get('mypkg.kernels')\nfrom mypkg.kernels"
    )
    theirs.edit(HELPER, "return delta.T", "return 1.0 * delta.T")
    theirs.commit()
    theirs.edit(HELPER, "1.0 * ", "")
    said = told("--against", "HEAD")
    assert "mypkg.kernels is imported by an absolute name that every version shares, and it has changed" in said


BY_NAME = "gradient = importlib.import_module('mypkg.kernels').gradient"


@pytest.mark.parametrize("late", ["from mypkg.kernels import gradient", BY_NAME])
def test_a_helper_that_no_trial_step_imports_is_code_all_the_same(theirs, gate, late):
    theirs.edit("src/mypkg/tiled.py", "from mypkg.kernels import gradient", "import importlib")
    body = f"if len(delta) < 3:\n            return delta.T @ below\n        {late}\n        return gradient("
    theirs.edit("src/mypkg/tiled.py", "return gradient(", body)
    theirs.commit()
    theirs.edit(HELPER, "    return delta.T @ below", SLOWER)
    _, states, verdicts = gate("--against", "HEAD", "--budget", "10")
    assert states == {PLAIN: "unchanged"}
    assert set(verdicts) == {TILED}  # it was raced
