"""What of a file is code: all but comments, docstrings, formatting and line ends."""

from __future__ import annotations

import ast
from collections.abc import Mapping
from functools import cache

# An engine that reads its own words, or asks in which line it is, is not the same with others.
READS_ITSELF = (b"__doc__", b"getdoc", b"getsource", b"getcomments", b"linecache", b"lineno", b"jit.script")


def folded(text: bytes) -> bytes:
    """The text with line ends as Unix has them: git may give others, and Python minds none."""
    return text.replace(b"\r\n", b"\n")


def essence(files: Mapping[str, bytes]) -> dict[str, bytes]:
    """Of each file, by its path, what two versions have in common if they do the same but for their words.

    Where a file of them reads words or lines of its code, all of them are taken as they are, but for line ends.
    """
    words_count = any(word in content for content in files.values() for word in READS_ITSELF)
    return {path: _code(path, content, words_count) for path, content in files.items()}


@cache
def _code(path: str, content: bytes, words_count: bool) -> bytes:
    if words_count or not path.endswith(".py"):
        return folded(content)
    try:
        tree = _Wordless().visit(ast.parse(content))
        return ast.dump(tree).encode("utf-8", "surrogatepass")
    except (SyntaxError, ValueError, RecursionError):  # whatever is wrong with it, whoever imports it will say
        return folded(content)


class _Wordless(ast.NodeTransformer):
    """Takes out what is only a text: a docstring, or one below an attribute."""

    def visit_Expr(self, node: ast.Expr) -> ast.Expr | None:  # ast's name for it
        only_text = isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)
        return None if only_text else node
