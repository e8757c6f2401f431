"""Whom the gate judges: engines of the repository that one stands in, each as the change and as the base has it."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path, PurePosixPath

from backprop import InputError

from ..cells import engine_code, git
from ..cells.address import label_of, parts_of
from ..cells.engine_code import Code, place_of_ours
from ..cells.engine_imports import search_no_more
from ..cells.entry import Entry, code_of
from ..cells.revisions import Tree
from .blame import Rivals, Standing

NAME_THEM = (
    "name those to judge, as in backprop-bench gate --against origin/main --engines src/fast.py,mypkg.engines:Tiled, "
    'or for good by engines = ["src/fast.py"] below [tool.backprop-bench] in pyproject.toml'
)


def repository_here() -> Path:
    """The top of the repository of the current folder, which is the one that is judged; InputError where in none."""
    try:
        return git.top_of(Path.cwd(), tracked=False)
    except git.NoRepositoryError as error:
        raise InputError(f"the gate compares with what git has, and {error}: run it in your engines' one") from error


def refuse_unnamed(home: Path) -> None:
    """InputError where no engines are named, and this is not the repository of our own."""
    if not place_of_ours(home):
        raise InputError(f"no engines are named, and {home} has none of backprop-bench's own: {NAME_THEM}")


def assemble(asked: Sequence[str] | None, base: Tree, change: Tree) -> tuple[list[Rivals], list[Standing]]:
    """The engines that both have, and of the others that they are new or removed.

    Without `asked` they are this project's own, all of them. Raises InputError for an engine that neither has, or that
    does not lie in this repository.
    """
    search_no_more()  # for what an earlier call has named
    if not asked:
        asked = sorted({*engine_code.names_in(base), *engine_code.names_in(change)})
    rivals, standings = list[Rivals](), list[Standing]()
    for engine in dict.fromkeys(asked):
        now, before = _find(engine, change, base)
        if now is None:
            standings.append(Standing(engine, "removed", "no longer in the work tree"))
        elif before is None:
            why = f"not in {base.label}: there is nothing to compare it with"
            standings.append(Standing(engine, "new", why))
        else:
            at_base = Entry(engine, f"{engine}@{base.label}", base.commit, before)
            rivals.append(Rivals(engine, Entry(engine, engine, code=now), at_base))
    return rivals, standings


def _find(engine: str, change: Tree, base: Tree) -> tuple[Code | None, Code | None]:
    """Where the engine's code is in the change, and where in the base; in one of them it is, else InputError."""
    if parts_of(engine)[1] is not None:
        raise InputError(f"{engine}: the gate takes engines without a revision, that is what --against names")
    try:
        code = code_of(engine)
    except InputError as unknown:
        return None, _gone(engine, base, unknown)
    if code is None:
        return _find_own(engine, change, base)
    if Path(code.home) != change.home:
        where = f"lies in {code.home}" if engine_code.repository_of(code.path.parent) else "lies in no repository"
        raise InputError(f"{label_of(engine)} {where}, and the gate judges that of the current folder, {change.home}")
    now = code.at(change)
    if now is None:
        raise InputError(f"{label_of(engine)} is ignored by git, which can't tell how it was: let git add it")
    return now, code.at(base)


def _find_own(name: str, change: Tree, base: Tree) -> tuple[Code | None, Code | None]:
    if not place_of_ours(change.home):
        raise InputError(
            f"{name} is an engine of backprop-bench's own, and {change.home} is not its repository: {NAME_THEM}"
        )
    known = engine_code.names_in(change)
    if name not in {*known, *engine_code.names_in(base)}:
        raise InputError(f"unknown engine {name!r}: there are {', '.join(known)}, or the path of your own .py file")
    code = engine_code.of_name(name, change.home)
    return code.at(change) if name in known else None, code.at(base)


def _gone(engine: str, base: Tree, unknown: InputError) -> Code:
    """Where the base has what is no longer there; raises what is unknown where it has not got it, either."""
    module, colon, name = engine.partition(":")
    if not colon:
        path = PurePosixPath(os.path.relpath(Path.cwd() / engine, base.home))
        if (base.folder / path).is_file():
            return engine_code.in_tree(path, base.folder, base.home)
    for root in engine_code.USUAL_ROOTS if colon else ():
        file = engine_code.module_at(base.folder.joinpath(root, *module.split(".")))
        if file:
            return engine_code.in_tree(file.relative_to(base.folder), base.folder, base.home, name, module)
    raise unknown
