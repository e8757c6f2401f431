"""Revisions: an engine as a commit has it, beside today's; the repository untouched; nothing left behind."""

import numpy as np
import pytest

from backprop import Engine, InputError
from bench.cells import revisions
from bench.cells.cell import Cell
from bench.cells.engine_code import of_name
from bench.cells.entry import at_revision, resolve
from bench.timing.one_pass import RaceJob
from bench.timing.race import race

FULL = "backprop/engines/full_matrix.py"


def state(repository):
    """Everything in the repository that a command could have changed, the index among it."""
    files = [path for path in repository.folder.rglob("*") if path.is_file() and "__pycache__" not in path.parts]
    return {path: (path.read_bytes(), path.stat().st_mtime_ns) for path in files}


def test_an_engine_at_a_revision_is_the_code_of_that_commit(repository):
    first = repository.commit()
    repository.edit(FULL, "class FullMatrix(Engine):", "class FullMatrix(Engine):\n    new = True")
    second = repository.commit()
    repository.edit(FULL, "new = True", "new = 'uncommitted'")
    before = state(repository)
    old, new, same = resolve([f"full_matrix@{first}", "full_matrix@HEAD", "full_matrix@HEAD"])
    assert not hasattr(old.make, "new")
    assert new.make.new is True
    assert (old.commit, new.commit) == (first, second)
    assert (new.name, same.name) == ("full_matrix@HEAD", "full_matrix@HEAD#2")
    work_tree = revisions.lay_work_tree(repository.folder)
    assert at_revision("full_matrix", of_name("full_matrix"), work_tree).make.new == "uncommitted"
    assert state(repository) == before


@pytest.mark.usefixtures("few_passes")
def test_a_race_of_revisions_is_a_race_and_its_record_names_the_commit(repository):
    repository.change(FULL)
    repository.commit()
    record = race(
        RaceJob(Cell((6, 4, 3), 5), resolve(["full_matrix", "full_matrix@HEAD~1"]), 0.1, floor=False, pin=False)
    )
    assert [result.commit for result in record.contestants] == [None, repository.git("rev-parse", "HEAD~1")]
    assert not record.failures
    assert record.contestants[1].seconds


@pytest.mark.usefixtures("few_passes")
def test_a_revision_that_knows_no_functions_is_raced_on_the_default_ones_alone(repository):
    field = resolve(["full_matrix", f"full_matrix@{repository.before_functions()}"])
    _, old = race(RaceJob(Cell((6, 4, 3), 5), field, 0.1, floor=False, pin=False)).contestants
    assert old.seconds
    now, old = race(RaceJob(Cell((6, 4, 3), 5, hidden="relu"), field, 0.1, floor=False, pin=False)).contestants
    assert now.seconds
    assert not old.failed
    assert "can't train this network: it has no `handles` that says it knows other functions" in old.left_out


def test_engines_of_two_revisions_share_no_module(repository):
    tree = revisions.lay("HEAD", repository.folder)
    one, other = (at_revision("full_matrix@HEAD", of_name("full_matrix"), tree).laid(arm) for arm in ("base", "twin"))
    assert one.make is not other.make
    assert one.make.__module__ != other.make.__module__
    assert one.make.network.__code__ is not other.make.network.__code__
    assert not issubclass(one.make, Engine)


def test_the_files_behind_an_engine_are_those_that_it_imports(repository):
    repository.edit(FULL, "        m = len(x)\n", "        m = len(x)\n        from .. import late\n")
    (repository.folder / "backprop" / "late.py").write_text("")
    (repository.folder / "backprop" / "unused.py").write_text("")
    repository.commit()
    (entry,) = resolve(["full_matrix@HEAD"])
    assert set(entry.files) == {
        "backprop/__init__.py",
        "backprop/engine.py",
        "backprop/engines/__init__.py",
        FULL,
        "backprop/errors.py",
        "backprop/functions.py",
        "backprop/late.py",
        "backprop/network.py",
        "backprop/packages.py",
    }


@pytest.mark.parametrize(
    ("address", "message"),
    [
        ("full_matrix@", "a revision is missing after the @"),
        ("full_matrix@nowhere", "git knows no revision 'nowhere'"),
        ("full_matrix@--help", "git knows no revision '--help'"),
        (
            "fullmatrix@HEAD",
            r"HEAD \(\w{10}\) has no engine 'fullmatrix': did you mean full_matrix\? there are full_matrix, per_sample",
        ),
        ("mine.py@HEAD", r"^engine file mine\.py does not exist$"),
    ],
)
def test_an_address_that_leads_nowhere_is_refused(repository, address, message):
    with pytest.raises(InputError, match=message):
        resolve([address])


def test_a_revision_without_the_package_is_refused(repository):
    repository.git("checkout", "--quiet", "--orphan", "empty")
    repository.git("rm", "-r", "--quiet", "--cached", ".")
    repository.git("commit", "--quiet", "--allow-empty", "--message", "empty")
    with pytest.raises(InputError, match=r"empty .* has no package backprop"):
        resolve(["full_matrix@empty"])


@pytest.mark.parametrize(
    ("path", "old", "new", "message"),
    [
        (
            "backprop/__init__.py",
            "from .network",
            "from .no_such",
            r"^full_matrix of HEAD \(.{10}\) fails on import: Mod",
        ),
        (
            "backprop/network.py",
            "class Network",
            "class Network(",
            "^full_matrix of HEAD .* fails on import: Syntax",
        ),
        (FULL, "import numpy", "import no_such", "fails on import: .*no_such"),
        (
            FULL,
            "(self, x: Array, y: Array, eta: float)",
            "(self, batch: Array)",
            "TypeError",
        ),
    ],
)
def test_a_revision_that_does_not_fit_is_refused(repository, path, old, new, message):
    repository.edit(path, old, new)
    repository.commit()
    with pytest.raises(InputError, match=message) as refusal:
        resolve(["full_matrix@HEAD"])
    assert "\n" not in str(refusal.value)


def test_without_a_repository_there_is_no_revision(tmp_path, monkeypatch):
    monkeypatch.setattr(revisions, "PACKAGE", tmp_path / "backprop")
    with pytest.raises(InputError, match="is not a git repository"):
        resolve(["full_matrix@HEAD"])
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(InputError, match="git is not installed"):
        resolve(["full_matrix@HEAD"])


def test_the_digest_of_the_code_minds_no_line_ends(repository):
    before = revisions.digest()
    path = repository.folder / FULL
    path.write_bytes(path.read_bytes().replace(b"\n", b"\r\n"))
    assert revisions.digest() == before
    path.write_bytes(path.read_bytes() + b"# more\r\n")
    assert revisions.digest() != before


@pytest.mark.parametrize(
    "line", ["raise SystemExit", "raise GeneratorExit", "import numpy; numpy.seterr(all='raise'); 1 / 0"]
)
def test_an_engine_that_ends_the_program_on_import_is_told(repository, line):
    repository.edit(FULL, "import numpy as np\n", f"import numpy as np\n{line}\n")
    before = np.geterr()
    repository.commit()
    with pytest.raises(InputError, match=r"^full_matrix of HEAD \(\w{10}\) (fails on import: \w+|ends the program)"):
        resolve(["full_matrix@HEAD"])
    assert np.geterr() == before
