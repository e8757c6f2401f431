"""What names a commit is taken, and what names none is refused in a line."""

import pytest
from git_repositories import PACKAGE, Repository

from backprop import InputError
from bench.cells import git


@pytest.mark.parametrize(
    "revision",
    [
        "v1",
        "annotated",
        "HEAD@{0}",
        "HEAD@{1 second ago}",
        ":/a change",
        "HEAD^{/a change}",
        "@{upstream}",
        "@",
        "main@{u}",
    ],
)
def test_whatever_names_a_commit_is_taken(repo, tmp_path, revision):
    repo.git("tag", "v1")
    repo.git("tag", "-a", "annotated", "-m", "text")
    repo.git("clone", "--quiet", repo.folder, tmp_path / "clone")
    clone = Repository.__new__(Repository)
    clone.folder = tmp_path / "clone"
    assert git.commit_of(revision, clone.folder / PACKAGE) in repo.git("log", "--format=%H").splitlines()


@pytest.mark.parametrize(
    ("revision", "reason"),
    [
        ("", "a revision is missing"),
        (" ", "a revision is missing"),
        ("nowhere", "git knows no revision 'nowhere' here; give one"),
        ("HEAD..HEAD~1", "git knows no revision"),
        ("^HEAD", "git knows no revision"),
        ("HEAD:backprop", "git knows no revision"),
        ("--help", "git knows no revision '--help'"),
        (
            "@{upstream}",
            r"git knows no revision '@{upstream}' here \(fatal: no upstream configured for branch 'main'\)",
        ),
        ("-1 x", "git knows no revision '-1 x'"),
    ],
)
def test_what_names_none_is_refused_in_a_line(repo, revision, reason):
    with pytest.raises(InputError, match=reason) as refusal:
        git.commit_of(revision, repo.package)
    assert "\n" not in str(refusal.value)
