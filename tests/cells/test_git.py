"""Other people's repositories: whatever hooks, attributes and clones do, a commit's files are those committed."""

import os

import pytest
from git_repositories import NEW, OLD, PACKAGE, Repository

from backprop import InputError
from bench.cells import git, revisions
from bench.cells.git import GitError, NoRepositoryError
from bench.records import environment
from bench.timing import machine


def test_the_files_of_a_commit(repo):
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
    del found[".gitattributes"]
    assert found == {"backprop/__init__.py": content, "backprop/engine.py": OLD, "backprop/kernel.c": b"int i;\n"}


def test_a_blobless_clone_works_with_its_remote_in_reach_and_else_says_why(repo, tmp_path):
    repo.git("config", "uploadpack.allowFilter", "true")
    repo.git("clone", "--quiet", "--filter=blob:none", f"file://{repo.folder}", tmp_path / "part")
    part = tmp_path / "part" / PACKAGE
    away = repo.folder.rename(tmp_path / "away")
    with pytest.raises(GitError, match=r"the files of \w{10} are not in this clone, which is a partial one"):
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


def test_the_files_of_submodules_come_along_where_they_are_here(repo, tmp_path):
    outer = Repository(tmp_path / "outer", files={"README": b""})
    outer.git("submodule", "--quiet", "add", repo.folder, "vendor/inner")
    outer.git("commit", "--quiet", "--message", "a submodule")
    head, vendored = repo.git("rev-parse", "HEAD"), outer.folder / "vendor" / "inner" / PACKAGE
    assert git.commit_of("HEAD", vendored) == head
    assert repo.laid("HEAD~1", vendored) == {"backprop/__init__.py": OLD}
    names = {f"vendor/inner/{name}" for name in repo.laid()}
    assert names < set(outer.laid())
    assert names < {str(path) for path in git.files_now(outer.folder)}
    outer.git("submodule", "--quiet", "deinit", "--force", "--all")
    assert set(outer.laid()) == {"README", ".gitmodules", "vendor/inner"}
    assert {str(path) for path in git.files_now(outer.folder)} == {"README", ".gitmodules"}
    assert revisions.lay("HEAD", outer.folder).folder.joinpath("vendor", "inner").is_dir()


def test_a_linked_work_tree_and_a_detached_head(repo, tmp_path):
    repo.git("worktree", "add", "--quiet", "--detach", tmp_path / "linked", "HEAD~1")
    assert git.top_of(tmp_path / "linked" / PACKAGE) == tmp_path / "linked"
    assert repo.laid("HEAD", tmp_path / "linked" / PACKAGE) == {"backprop/__init__.py": OLD}
    assert repo.laid("main", tmp_path / "linked" / PACKAGE)["backprop/__init__.py"] == NEW


def test_replaced_objects_are_as_they_were_committed(repo):
    head, before = repo.git("rev-parse", "HEAD"), repo.git("rev-parse", "HEAD~1")
    repo.git("replace", head, before)
    assert repo.laid(head)["backprop/__init__.py"] == NEW
    blob, other = (repo.git("rev-parse", f"{commit}:{PACKAGE}/__init__.py") for commit in (head, before))
    repo.git("replace", "--delete", head)
    repo.git("replace", blob, other)
    assert repo.laid()["backprop/__init__.py"] == NEW


def test_links_modes_and_odd_names_are_laid_as_they_are(repo):
    odd = f"{PACKAGE}/a b\n'ü'.py"
    repo.commit({odd: OLD})
    (repo.package / "same.py").symlink_to("__init__.py")
    (repo.folder / "run.sh").write_text("#!/bin/sh")
    (repo.folder / "run.sh").chmod(0o755)
    repo.git("add", "--all")
    repo.git("commit", "--quiet", "--message", "a link")
    assert repo.laid()[odd] == OLD
    for tree in (revisions.lay("HEAD", repo.folder), revisions.lay_work_tree(repo.folder)):
        assert (tree.folder / odd).read_bytes() == OLD
        assert (tree.folder / PACKAGE / "same.py").is_symlink()
        assert (tree.folder / PACKAGE / "same.py").read_bytes() == NEW
        assert [os.access(tree.folder / name, os.X_OK) for name in ("run.sh", odd)] == [True, False]


def test_the_work_tree_is_what_git_has_or_would_add(repo):
    (repo.folder / ".gitignore").write_text("built\n")
    (repo.folder / "built").write_text("")
    (repo.folder / "new.py").write_text("")
    (repo.folder / "pyproject.toml").unlink()
    (repo.package / "__init__.py").write_bytes(OLD)
    tree = revisions.lay_work_tree(repo.folder)
    files = {str(path.relative_to(tree.folder)) for path in tree.folder.rglob("*") if path.is_file()}
    assert files == {".gitignore", "new.py", "backprop/__init__.py"}
    assert (tree.folder / PACKAGE / "__init__.py").read_bytes() == OLD
