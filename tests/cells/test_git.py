"""Other people's repositories: whatever hooks, attributes and clones do, a commit's files are those committed."""

import pytest
from git_repositories import NEW, OLD, PACKAGE, Repository

from backprop import InputError
from bench.cells import git, revisions
from bench.cells.git import GitError, NoRepositoryError
from bench.records import environment
from bench.timing import machine


def test_the_files_of_a_commit_with_what_lies_beside_the_package(repo):
    assert repo.laid("HEAD~1") == {"backprop/__init__.py": OLD}
    assert repo.laid() == {"backprop/__init__.py": NEW, "pyproject.toml": b"[project]\n"}


def recorded(monkeypatch, repo):
    """What a record would say, were this the code's own repository."""
    monkeypatch.setattr(machine, "__file__", str(repo.package / "__init__.py"))
    return machine._revision()


@pytest.mark.parametrize(
    "named", ["GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_COMMON_DIR", "GIT_OBJECT_DIRECTORY"]
)
def test_the_repository_that_a_hook_names_is_not_asked(repo, tmp_path, monkeypatch, named):
    other = Repository(tmp_path / "other", files={"x": b""})
    place = {"GIT_WORK_TREE": other.folder, "GIT_INDEX_FILE": other.folder / ".git" / "index"}
    head = repo.git("rev-parse", "HEAD")
    monkeypatch.setenv(named, str(place.get(named, other.folder / ".git")))
    monkeypatch.setenv("GIT_PREFIX", "elsewhere/")
    assert git.top_of(repo.package) == repo.folder
    assert git.commit_of("HEAD", repo.package) == head
    assert recorded(monkeypatch, repo)["revision"] == head
    assert repo.laid()["backprop/__init__.py"] == NEW


def test_another_users_repository_is_told_with_the_way_out(repo, monkeypatch):
    for where in ("GLOBAL", "SYSTEM"):
        monkeypatch.setenv(f"GIT_CONFIG_{where}", "/dev/null")
    monkeypatch.setenv("GIT_TEST_ASSUME_DIFFERENT_OWNER", "1")  # git's own means, as only root can give a folder away
    way_out = f"git config --global --add safe.directory {repo.folder}"
    with pytest.raises(GitError, match=r"what revision 'HEAD' is can't be told: .* belongs to another user") as refusal:
        git.commit_of("HEAD", repo.package)
    assert str(refusal.value).endswith(way_out)
    about = recorded(monkeypatch, repo)
    assert (about["revision"], about["dirty"]) == (None, None)
    assert about["revision_unknown"].endswith(way_out)
    monkeypatch.setenv("GIT_CONFIG_COUNT", "1")  # the way out by the environment
    monkeypatch.setenv("GIT_CONFIG_KEY_0", "safe.directory")
    monkeypatch.setenv("GIT_CONFIG_VALUE_0", "*")
    assert repo.laid()["backprop/__init__.py"] == NEW


def test_code_that_git_does_not_track_has_no_revision_and_raises_no_doubt(repo, tmp_path, monkeypatch):
    (repo.folder / ".gitignore").write_text("venv\n")
    installed = repo.folder / "venv" / PACKAGE
    installed.mkdir(parents=True)
    monkeypatch.setattr(machine, "__file__", str(installed / "machine.py"))
    assert machine._revision() == {"revision": None, "dirty": None, "revision_unknown": environment.UNTRACKED}
    for folder in (installed, tmp_path, tmp_path / "nowhere"):
        with pytest.raises(NoRepositoryError):
            git.top_of(folder)


@pytest.mark.parametrize("autocrlf", ["true", "input", "false"])
def test_attributes_and_configuration_change_nothing(tmp_path, autocrlf):
    attributes = (
        "*.py text eol=crlf working-tree-encoding=UTF-16LE\n"
        "backprop/__init__.py -text -working-tree-encoding export-subst ident filter=shout\n"
        "backprop/engine.py -working-tree-encoding export-ignore\n"
    )
    content = b"'$Format:%H$ $Id$'\n"
    made = Repository(
        tmp_path / "repo",
        files={"backprop/__init__.py": content, "backprop/engine.py": OLD, "backprop/kernel.c": b"int i;\n"},
    )
    made.commit({".gitattributes": attributes.encode()})
    made.git("config", "core.autocrlf", autocrlf)
    made.git("config", "filter.shout.smudge", "tr a-z A-Z")
    found = made.laid()
    assert found == {"backprop/__init__.py": content, "backprop/engine.py": OLD, "backprop/kernel.c": b"int i;\n"}


def test_a_blobless_clone_works_with_its_remote_in_reach_and_else_says_why(repo, tmp_path):
    repo.git("config", "uploadpack.allowFilter", "true")
    repo.git("clone", "--quiet", "--filter=blob:none", f"file://{repo.folder}", tmp_path / "part")
    part = tmp_path / "part" / PACKAGE
    away = repo.folder.rename(tmp_path / "away")
    with pytest.raises(GitError, match=r"the files of HEAD~1 \(\w{10}\) are not in this clone, which is a partial one"):
        repo.laid("HEAD~1", part)
    with pytest.raises(InputError, match=r"git knows no revision '0{40}' here; give one"):
        git.commit_of("0" * 40, part)
    assert repo.laid("HEAD", part)["backprop/__init__.py"] == NEW
    away.rename(repo.folder)
    assert repo.laid("HEAD~1", part) == {"backprop/__init__.py": OLD}


def test_a_shallow_clone_says_what_it_lacks(repo, tmp_path):
    repo.git("clone", "--quiet", "--depth=1", f"file://{repo.folder}", tmp_path / "shallow")
    with pytest.raises(InputError, match=r"git knows no revision 'HEAD~1' here; .* this clone is shallow"):
        git.commit_of("HEAD~1", tmp_path / "shallow" / PACKAGE)
    with pytest.raises(InputError, match=r"here; give one branch, tag or commit that `git log` shows$"):
        git.commit_of("HEAD~9", repo.package)


@pytest.mark.parametrize("place", ["", "vendor"])
def test_a_package_in_a_submodule_has_the_submodules_revisions(repo, tmp_path, place):
    """The submodule holds the package, or is the package itself."""
    inner = Repository(tmp_path / "inner", files={f"{PACKAGE}/__init__.py" if place else "__init__.py": OLD})
    path = place or PACKAGE
    outer = Repository(tmp_path / "outer", files={"README": b""})
    outer.git("submodule", "--quiet", "add", inner.folder, path)
    package = outer.folder / place / PACKAGE
    assert repo.laid("HEAD", package) == {"backprop/__init__.py": OLD}
    assert git.commit_of("HEAD", package) == inner.git("rev-parse", "HEAD")


def test_a_linked_work_tree_and_a_detached_head(repo, tmp_path):
    repo.git("worktree", "add", "--quiet", "--detach", tmp_path / "linked", "HEAD~1")
    assert git.top_of(tmp_path / "linked" / PACKAGE) == tmp_path / "linked"
    assert repo.laid("HEAD", tmp_path / "linked" / PACKAGE) == {"backprop/__init__.py": OLD}
    assert repo.laid("main", tmp_path / "linked" / PACKAGE)["backprop/__init__.py"] == NEW


def test_a_package_that_has_moved_is_found(repo):
    repo.git("checkout", "--quiet", "-b", "moved")
    (repo.folder / "src").mkdir()
    repo.git("mv", PACKAGE, "src")
    repo.git("commit", "--quiet", "--message", "moved")
    now = repo.folder / "src" / PACKAGE
    assert repo.laid("HEAD~2", now) == {"backprop/__init__.py": OLD}
    assert repo.laid("HEAD", now) == {"backprop/__init__.py": NEW, "pyproject.toml": b"[project]\n"}
    repo.git("checkout", "--quiet", "main")
    assert repo.laid("moved") == repo.laid("HEAD")  # and back
    repo.git("checkout", "--quiet", "moved")
    repo.commit({f"more/{PACKAGE}/__init__.py": OLD})
    (repo.folder / "lib").mkdir()
    (repo.folder / "src").rename(repo.folder / "lib")
    with pytest.raises(InputError, match="in several places, none of them today's: more/backprop, src/backprop"):
        repo.laid("HEAD", repo.folder / "lib" / PACKAGE)


def test_replaced_objects_are_as_they_were_committed(repo):
    head, before = repo.git("rev-parse", "HEAD"), repo.git("rev-parse", "HEAD~1")
    repo.git("replace", head, before)
    assert repo.laid(head)["backprop/__init__.py"] == NEW
    blob, other = (repo.git("rev-parse", f"{commit}:{PACKAGE}/__init__.py") for commit in (head, before))
    repo.git("replace", "--delete", head)
    repo.git("replace", blob, other)
    assert repo.laid()["backprop/__init__.py"] == NEW


def test_what_git_has_elsewhere_is_told(repo, tmp_path):
    repo.commit({f"{PACKAGE}/big.py": git.LFS + b"v1\noid sha256:0\nsize 1\n"})
    with pytest.raises(InputError, match=r"backprop/big.py of HEAD \(\w{10}\) lies in Git LFS, not in this repository"):
        repo.laid()
    inner = Repository(tmp_path / "inner")
    repo.git("rm", "--quiet", f"{PACKAGE}/big.py")
    repo.git("submodule", "--quiet", "add", inner.folder, f"{PACKAGE}/engines")
    repo.git("commit", "--quiet", "--message", "a submodule")
    with pytest.raises(InputError, match=r"backprop/engines of HEAD \(\w{10}\) lies in a submodule"):
        repo.laid()


def test_links_and_odd_names_are_laid_as_they_are(repo, monkeypatch):
    odd = f"{PACKAGE}/a b\n'ü'.py"
    repo.commit({odd: OLD})
    (repo.package / "same.py").symlink_to("__init__.py")
    repo.git("add", "--all")
    repo.git("commit", "--quiet", "--message", "a link")
    assert repo.laid()[odd] == OLD
    monkeypatch.setattr(revisions, "PACKAGE", repo.package)
    laid = revisions.lay("HEAD").folder
    assert (laid / PACKAGE / "same.py").is_symlink()
    assert (laid / PACKAGE / "same.py").read_bytes() == NEW
