"""A repository of somebody else's, with a tiny package in it."""

import subprocess

from bench.cells import git

PACKAGE = "backprop"
OLD, NEW = b"old = 1\n", b"new = 1\n"


class Repository:
    """A repository with a tiny package, at its top or below; each commit is known by its number."""

    def __init__(self, folder, below="", files=None):
        self.folder, self.package = folder, folder / below / PACKAGE
        self.git("init", "--quiet", "--initial-branch=main", folder)
        self.commit({f"{PACKAGE}/__init__.py": OLD} if files is None else files)

    def git(self, *arguments):
        here = ("-C", self.folder) if self.folder.exists() else ()
        settings = ("-c", "user.name=test", "-c", "user.email=test@localhost", "-c", "protocol.file.allow=always")
        command = ["git", *here, *settings, *arguments]
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()

    def commit(self, files):
        for name, content in files.items():
            (self.folder / name).parent.mkdir(parents=True, exist_ok=True)
            (self.folder / name).write_bytes(content)
        self.git("add", "--all")
        self.git("commit", "--quiet", "--message", "a change")
        return self.git("rev-parse", "HEAD")

    def laid(self, revision="HEAD", folder=None):
        """The content of each file as of a revision, of the repository in which a folder lies."""
        folder = folder or self.folder
        return {str(file.path): file.content for file in git.files_of(git.commit_of(revision, folder), folder)}
