"""Addresses of engines in other people's repositories, and at their revisions: whose code each of them is."""

import shutil
import sys

import msgspec
import pytest
from engine_files import raced
from git_repositories import Repository
from their_repository import Theirs

from backprop import InputError
from bench.cells.address import parts_of
from bench.cells.entry import Entry, resolve

PLAIN, TILED, HELPER = "mypkg.engines:Plain", "src/mypkg/tiled.py", "src/mypkg/kernels.py"


@pytest.fixture
def theirs(tmp_path, monkeypatch):
    """Their repository, with a helper that says how old it is."""
    made = Theirs(tmp_path / "theirs")
    made.write(HELPER, made_of("old"))
    made.commit()
    made.write(HELPER, made_of("new"))
    made.commit()
    monkeypatch.chdir(made.folder)
    return made


def made_of(age):
    return f"AGE = '{age}'\n\n\ndef gradient(delta, below):\n    return delta.T @ below\n"


def ages(*addresses):
    """What the helper says that each engine was given."""
    return [sys.modules[entry.make.__module__].gradient.__globals__["AGE"] for entry in resolve(addresses)]


@pytest.mark.parametrize(
    ("address", "parts"),
    [
        ("fused", ("fused", None)),
        ("fused@HEAD@{1}", ("fused", "HEAD@{1}")),
        ("fused@", ("fused", "")),
        ("a@b/mine.py", ("a@b/mine.py", None)),
        ("a@b/mine.py@@{upstream}", ("a@b/mine.py", "@{upstream}")),
        ("mypkg.engines:Tiled@v1", ("mypkg.engines:Tiled", "v1")),
        ("mine.py@feature/x.py", ("mine.py", "feature/x.py")),
    ],
)
def test_an_address_has_an_engine_and_a_revision(folder, address, parts):
    folder("a@b/mine.py", "")
    assert parts_of(address) == parts


@pytest.mark.parametrize("engine", [TILED, "mypkg.tiled:Tiled", "./src/mypkg/../mypkg/tiled.py"])
def test_each_version_has_its_own_helpers_side_by_side(theirs, engine):
    assert ages(engine, f"{engine}@HEAD", f"{engine}@HEAD~1") == ["new", "new", "old"]
    theirs.write(HELPER, made_of("uncommitted"))
    assert ages(f"{engine}@HEAD~1", engine, f"{engine}@HEAD") == ["old", "uncommitted", "new"]


def test_the_repository_is_that_in_which_the_file_lies_wherever_one_stands(theirs, tmp_path, monkeypatch):
    other = Repository(tmp_path / "other", files={"x": b""})
    (other.folder / "link.py").symlink_to(theirs.folder / TILED)
    monkeypatch.chdir(other.folder)
    monkeypatch.setenv("GIT_DIR", str(other.folder / ".git"))
    monkeypatch.setenv("GIT_WORK_TREE", str(other.folder))
    assert ages(f"{theirs.folder / TILED}@HEAD~1", "link.py@HEAD~1", "link.py") == ["old", "old", "new"]
    monkeypatch.chdir(theirs.folder / "src" / "mypkg")
    assert ages("tiled.py@HEAD~1", "mypkg.tiled:Tiled@HEAD~1") == ["old", "old"]


def test_a_repository_in_a_repository_a_linked_work_tree_and_a_detached_head(theirs, tmp_path, monkeypatch):
    inner = Theirs(theirs.folder / "vendor" / "theirs")
    inner.write(HELPER, made_of("inner"))
    inner.commit()
    assert ages(f"{inner.folder / TILED}@HEAD") == ["inner"]
    theirs.git("worktree", "add", "--quiet", "--detach", tmp_path / "linked", "HEAD~1")
    monkeypatch.chdir(tmp_path / "linked")
    assert ages(TILED, f"{TILED}@HEAD", f"{TILED}@main") == ["old", "old", "new"]


def test_an_engine_in_a_submodule_has_the_submodules_revisions(theirs, tmp_path):
    outer = Repository(tmp_path / "outer", files={"README": b""})
    outer.git("submodule", "--quiet", "add", theirs.folder, "vendor")
    assert ages(f"{outer.folder}/vendor/{TILED}@HEAD~1") == ["old"]
    uses = "from vendor.src.mypkg.engines import Plain\nfrom vendor.src.mypkg.kernels import gradient\n"
    outer.commit({"mine.py": f"{uses}class Mine(Plain): pass\n".encode()})
    (outer.folder / "vendor" / HELPER).write_text(made_of("uncommitted"))
    assert ages(f"{outer.folder}/mine.py@HEAD", f"{outer.folder}/mine.py") == ["new", "uncommitted"]


def test_a_module_that_has_moved_is_found_where_it_was(theirs):
    (theirs.folder / "lib").mkdir()
    theirs.git("mv", "src/mypkg", "lib/mypkg")
    theirs.write("lib/mypkg/kernels.py", made_of("moved"))
    theirs.commit()
    assert ages("lib/mypkg/tiled.py", "lib/mypkg/tiled.py@HEAD~1", "lib/mypkg/tiled.py@HEAD~2") == [
        "moved",
        "new",
        "old",
    ]
    theirs.write("copy/mypkg/tiled.py", "")
    theirs.write("other/mypkg/tiled.py", "")
    theirs.commit()
    theirs.git("rm", "-r", "--quiet", "copy", "other")
    theirs.git("mv", "lib", "libs")
    several = "in several places, none of them today's: copy/mypkg/tiled.py, lib/mypkg/tiled.py, other/mypkg/tiled.py"
    with pytest.raises(InputError, match=several):
        resolve(["libs/mypkg/tiled.py@HEAD"])


def test_a_package_itself_may_be_an_engines_file(theirs):
    theirs.write(
        "src/mypkg/__init__.py", "from .tiled import Tiled\nfrom .kernels import gradient\nclass Own(Tiled): pass\n"
    )
    theirs.commit()
    assert ages("src/mypkg/__init__.py", "src/mypkg/__init__.py@HEAD", "mypkg:Own@HEAD") == ["new"] * 3
    assert resolve(["mypkg:Tiled"])[0].make.__name__ == "Tiled"


def test_all_files_of_its_repository_that_an_engine_imports_are_its_code(theirs):
    theirs.write("src/other.py", "")
    theirs.write("src/mypkg/tiled.py", "import other\n" + (theirs.folder / TILED).read_text())
    (tiled,) = resolve([TILED])
    own = {"src/mypkg/__init__.py", TILED, "src/mypkg/engines.py", HELPER}
    assert set(tiled.files) == {*own, "src/other.py"}
    assert set(resolve([f"{TILED}@HEAD"])[0].files) == own
    theirs.write("src/mypkg/unused.py", "")
    assert resolve([TILED])[0].digest == tiled.digest
    theirs.write("src/other.py", "CHANGED = True")
    assert resolve([TILED])[0].digest != tiled.digest


def test_an_engine_travels_to_where_its_repository_is_not(theirs):
    entries = resolve([TILED, f"{TILED}@HEAD~1", PLAIN])
    gone = [msgspec.structs.replace(one.code, folder="/nowhere") for one in entries]
    elsewhere = [msgspec.structs.replace(one, code=code) for one, code in zip(entries, gone, strict=True)]
    shutil.rmtree(theirs.folder)
    received = msgspec.json.decode(msgspec.json.encode(elsewhere), type=list[Entry])
    assert [found.left_out for found in raced(received)] == [None] * 3
    assert [one.identity for one in received] == [one.identity for one in entries]


@pytest.mark.parametrize(
    ("address", "message"),
    [
        (f"{TILED}@HEAD~9", "git knows no revision 'HEAD~9' here"),
        (f"{TILED}@", "a revision is missing after the @"),
        ("src/mypkg/fresh.py@HEAD", "has no src/mypkg/fresh.py: git had not got it then; give a later revision"),
        (
            "mypkg.none:Tiled",
            "engine mypkg.none:Tiled: there is no module mypkg.none, installed or in .*theirs: install",
        ),
        ("mypkg.tiled:None", "must be package.module:Class, such as mypkg.engines:Tiled|no subclass"),
        ("mypkg.tiled:gradient", "mypkg.tiled has no subclass of backprop.Engine with the name gradient"),
        ("mypkg.tiled:", "must be package.module:Class, such as mypkg.engines:Tiled"),
        ("json:JSONDecoder", "json has no subclass of backprop.Engine with the name JSONDecoder"),
        ("sys:Engine", "there is no module sys"),
    ],
)
def test_an_address_that_leads_nowhere_is_told(theirs, address, message):
    theirs.write("src/mypkg/fresh.py", "")
    with pytest.raises(InputError, match=message) as refusal:
        resolve([address])
    assert "\n" not in str(refusal.value)


def test_a_file_in_no_repository_has_no_revision(folder):
    mine = folder("mine.py", "from backprop.engines.full_matrix import FullMatrix\nclass Mine(FullMatrix): pass\n")
    with pytest.raises(InputError, match=r"what revision 'HEAD' is can't be told: .* is not a git repository"):
        resolve([f"{mine}@HEAD"])


def test_a_copy_of_their_package_that_is_installed_hides_nothing(theirs, tmp_path, monkeypatch):
    """As after `pip install .`: what is judged is the repository's."""
    packages = tmp_path / "site-packages"
    shutil.copytree(theirs.folder / "src" / "mypkg", packages / "mypkg")
    (packages / "mypkg" / "kernels.py").write_text(made_of("installed"))
    (packages / "theirs-1.dist-info").mkdir()
    (packages / "theirs-1.dist-info" / "METADATA").write_text("Metadata-Version: 2.1\nName: Theirs\nVersion: 1\n")
    (packages / "theirs-1.dist-info" / "top_level.txt").write_text("mypkg\n")
    monkeypatch.syspath_prepend(packages)
    for name in ("script.py", "other.py"):
        theirs.write(name, "from mypkg.tiled import Tiled, gradient\nclass Mine(Tiled): pass\n")
    assert ages("mypkg.tiled:Tiled", "mypkg.tiled:Tiled@HEAD~1", "script.py") == ["new", "old", "new"]
    (packages / "theirs-1.dist-info" / "METADATA").write_text("Metadata-Version: 2.1\nName: other\nVersion: 1\n")
    assert ages("other.py") == ["installed"]
    for name in [name for name in sys.modules if name.partition(".")[0] == "mypkg"]:
        del sys.modules[name]


def test_a_library_that_makes_up_the_names_of_its_files_shares_nothing(theirs):
    made_up = "import sys, types\nmade_up = types.ModuleType('made_up')\nmade_up.__file__ = '_classes.py'\n"
    made_up += "sys.modules['made_up'] = made_up\n"
    theirs.edit(TILED, "from mypkg.kernels", f"{made_up}from mypkg.kernels")
    theirs.commit()
    assert ages(f"{TILED}@HEAD") == ["new"]
    del sys.modules["made_up"]
