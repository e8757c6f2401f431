"""What is heavy is imported where it is used: a race of files takes neither pictures nor frames nor data sets."""

import subprocess
import sys

import pytest
from repository import ROOT
from stand_ins import engine_file

BLOCKED = """import sys
class Blocked:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {heavy!r}:
            raise ImportError(f"{{name}} is heavy")
sys.meta_path.insert(0, Blocked())
from bench.timing import schedule
schedule.PASSES = (2, 2)
from bench.__main__ import main
main()
"""
HEAVY = ("matplotlib", "pandas", "mlxtend", "sklearn", "jinja2", "PIL", "pytest", "distributed")


@pytest.mark.parametrize(
    "command",
    [
        ("race", "full_matrix", "mine.py", "--sizes", "6-4-3", "--seconds", "0.2", "--json", "one.json"),
        ("engines",),
    ],
)
def test_a_command_that_needs_nothing_heavy_works_without(tmp_path, command):
    engine_file(tmp_path / "mine.py", "    pass\n")
    code = BLOCKED.format(heavy=HEAVY)
    done = subprocess.run(
        [sys.executable, "-c", code, *command],
        cwd=tmp_path, env={"PYTHONPATH": str(ROOT)}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, "")
    assert "full_matrix" in done.stdout
