"""Whom a change touches: engines whose code, words aside, or whose dependencies differ."""

import pytest
from judging import FULL, LOOP, Machine, judge, standings


def test_where_nothing_changed_nothing_is_raced(repository):
    machine = Machine()
    record = judge(machine)
    assert standings(record) == {"full_matrix": "unchanged", "per_sample": "unchanged"}
    assert (machine.jobs, record.findings, record.red, record.open) == ([], [], False, False)
    assert record.commit == repository.git("rev-parse", "HEAD")


@pytest.mark.parametrize(
    ("path", "raced"),
    [
        (FULL, {"full_matrix"}),
        (LOOP, {"per_sample"}),
        ("backprop/network.py", {"full_matrix", "per_sample"}),
        ("backprop/check/__init__.py", set()),
        ("bench/timing/race.py", set()),
        ("README.md", set()),
    ],
)
def test_only_engines_whose_code_differs_are_raced(repository, path, raced):
    (repository.folder / "README.md").write_text("")
    repository.commit()
    repository.change(path)
    record = judge(Machine())
    assert {found.engine for found in record.findings} == raced


def test_other_dependencies_or_all_race_every_engine(repository):
    both = {"full_matrix", "per_sample"}
    assert {found.engine for found in judge(Machine(), everything=True).findings} == both
    repository.edit("pyproject.toml", '"numpy>=', '"numpy!=2.1,>=')
    assert {found.engine for found in judge(Machine()).findings} == both
    assert {found.engine for found in judge(Machine(), engines=["per_sample"]).findings} == {"per_sample"}


def test_a_module_that_an_engine_imports_only_at_work_counts_as_its_code(repository):
    repository.edit(FULL, "        m = len(x)\n", "        from .. import late\n\n        m = len(x)\n")
    (repository.folder / "backprop" / "late.py").write_text("")
    repository.commit()
    repository.change("backprop/late.py")
    assert {found.engine for found in judge(Machine()).findings} == {"full_matrix"}


def test_a_new_engine_and_a_removed_one_are_named(repository):
    repository.engine("mine").write_text(repository.engine("full_matrix").read_text())
    repository.engine("per_sample").unlink()
    record = judge(Machine())
    assert standings(record) == {"full_matrix": "unchanged", "mine": "new", "per_sample": "removed"}
    assert not record.red


WORDS = {
    "a docstring": ('"""', '"""Anew: '),
    "a comment": ("import numpy as np\n", "import numpy as np  # numbers\n"),
    "lines and blanks": ("import numpy as np\n", "\n\nimport   numpy   as   np\n\n"),
    "a text below": ("class FullMatrix(Engine):", '"""More of it."""\n\n\nclass FullMatrix(Engine):'),
    "line ends": ("\n", "\r\n"),
}


@pytest.mark.parametrize("path", [FULL, "backprop/network.py"])
@pytest.mark.parametrize("change", WORDS)
def test_other_words_are_unchanged_at_once(repository, change, path):
    file = repository.folder / path
    old, new = WORDS[change]
    file.write_bytes(file.read_text().replace(old, new, -1 if change == "line ends" else 1).encode())
    assert repository.git("status", "--porcelain") or old not in file.read_text()
    record = judge(Machine())
    assert standings(record) == {"full_matrix": "unchanged", "per_sample": "unchanged"}


def test_an_engine_that_reads_its_words_is_raced_when_they_change(repository):
    repository.edit(FULL, "        m = len(x)\n", "        assert self.__doc__\n        m = len(x)\n")
    repository.commit()
    file = repository.engine("full_matrix")
    file.write_bytes(file.read_bytes().replace(b"\n", b"\r\n"))
    assert standings(judge(Machine()))["full_matrix"] == "unchanged"
    file.write_text(file.read_text().replace('"""', '"""Anew: ', 1))
    assert {found.engine for found in judge(Machine()).findings} == {"full_matrix"}
