"""An engine's class as the text of an engine file: of one that was defined in a notebook's cell, or a script.

What it takes along is what its code names: so it runs in a process of its own, where the notebook is not.
"""

from __future__ import annotations
import __future__

import ast
import builtins
import dis
import inspect
import linecache
import sys
from math import isfinite
from types import CodeType, FunctionType, ModuleType

import numpy as np

from backprop import InputError

BRACKETS: dict[type, str] = {list: "[{}]", tuple: "({},)", set: "{{{}}}", frozenset: "frozenset({{{}}})"}
OF_IPYTHON = ("open", "exit", "quit")  # which puts its own into each notebook
MAIN = ("__main__", "__mp_main__")  # the notebook
Made = type | FunctionType


def source_of(engine: type) -> str:
    """The text of an engine file that defines this class, and what it names; the same for the same code.

    InputError for what can't be taken along: data of the notebook, and what was made inside of a function.
    """
    source = _Source(engine.__name__)
    source.add(engine.__name__, engine)
    imports = sorted({text for text in source.found.values() if text.startswith(("import ", "from "))})
    others = [text for text in source.found.values() if text not in imports]
    future = "from __future__ import annotations\n\n"  # what only an annotation names is not looked for
    return f'"""{engine.__name__}, as it was defined in a notebook."""\n\n{future}' + "\n".join([*imports, "", *others])


class _Source:
    """What defines each name that an engine's class needs, after what that needs itself."""

    def __init__(self, engine: str) -> None:
        self.engine = f"engine class {engine}"
        self.main = vars(sys.modules["__main__"])
        self.found: dict[str, str] = {}

    def add(self, name: str, value: object) -> None:
        """Add what defines a name of the notebook's."""
        if name in self.found:
            return
        made = value if isinstance(value, type) else inspect.unwrap(value) if callable(value) else None
        if isinstance(value, ModuleType):
            self.found[name] = f"import {value.__name__} as {name}"
        elif isinstance(made, (type, FunctionType)) and made.__module__ == "__main__":
            self._add_made(name, made, value)
        elif (literal := _literal(value)) is not None:
            self.found[name] = f"{name} = {literal}\n"
            if isinstance(value, np.generic):
                self.found["numpy"] = "import numpy as numpy"
        elif place := _place(value):
            self.found[name] = f"from {place[0]} import {place[1]} as {name}"
        else:
            raise InputError(
                f"{self.engine} uses {name} of the notebook, {_kind(value)}, which can't be sent to the processes "
                "that it is raced in: make it inside the class, or save the class to a file"
            )

    def _add_made(self, name: str, made: Made, value: object) -> None:
        """Add a class or a function of the notebook by the statement that makes it."""
        own = made.__name__
        if own not in (name, "<lambda>") and own in self.main:
            if self.main[own] is not value:
                raise InputError(f"{self.engine} uses {name}, which was called {own}, as another is now: rename one")
            self.add(own, value)
            self.found[name] = f"{name} = {own}\n"
            return
        for base in made.__mro__[1:] if isinstance(made, type) else ():
            if base.__module__ == "__main__" and self.main.get(base.__name__) is not base:
                raise InputError(
                    f"{self.engine}: {made.__name__} is made of a {base.__name__} that is another by now: give it a "
                    "name of its own, or run the cell again"
                )
        self.found[name] = ""  # it may name itself
        text = self._text(name, made)
        for other in sorted(_names(compile(text, name, "exec", __future__.annotations.compiler_flag, True))):
            if other.startswith("__") or other in OF_IPYTHON or other not in self.main:
                continue
            if self.main[other] is not getattr(builtins, other, ...):
                self.add(other, self.main[other])
                self._add_submodules(other, ast.parse(text))
        del self.found[name]
        self.found[name] = text

    def _add_submodules(self, name: str, tree: ast.AST) -> None:
        """Add those modules of a package that are named through it: scipy.linalg."""
        package = self.main[name]
        dotted = [ast.unparse(node) for node in ast.walk(tree) if isinstance(node, ast.Attribute)]
        for path in dotted if isinstance(package, ModuleType) else ():
            if path.startswith(f"{name}.") and (module := package.__name__ + path[len(name) :]) in sys.modules:
                self.found[module] = f"import {module}"

    def _text(self, name: str, made: Made) -> str:
        """The statement that makes a class or a function, decorators and all."""
        if "<locals>" in made.__qualname__:
            raise InputError(
                f"{self.engine} needs {made.__name__}, which is made inside of a function: define it at the top of a "
                "cell"
            )
        for file in _files(made):
            lines = linecache.getlines(file)
            for node in reversed(_statements(lines)):
                if _makes(node, made.__name__) or (isinstance(node, ast.Assign) and _makes(node, name)):
                    if isinstance(made, type) and isinstance(node, ast.ClassDef):
                        self._refuse_patches(made, node, file)
                    first = min([node.lineno, *(each.lineno for each in getattr(node, "decorator_list", ()))])
                    return "".join(lines[first - 1 : node.end_lineno]).rstrip("\n") + "\n"
        raise InputError(f"the source of {name} can't be found, which {self.engine} is made of: save it to a file")

    def _refuse_patches(self, made: type, node: ast.ClassDef, file: str) -> None:
        """InputError for a method that was put into the class later: its source would be another's."""
        loose = {each.id for each in ast.walk(node) if isinstance(each, ast.Name) and isinstance(each.ctx, ast.Store)}
        loose |= {each.name for each in node.body if isinstance(each, ast.FunctionDef) and each.decorator_list}
        for name, part in vars(made).items():
            code = getattr(_function(part), "__code__", None)
            if not code or name in loose or code.co_filename not in linecache.cache or part.__module__ != "__main__":
                continue
            if code.co_filename != file or not node.lineno <= code.co_firstlineno <= (node.end_lineno or 0):
                raise InputError(f"{self.engine}: {name} was put into {made.__name__} later: define it in the class")


def _function(part: object) -> object:
    """The function that a class has by a name, through a property and the like."""
    inner = next((getattr(part, way) for way in ("__func__", "fget", "func") if hasattr(part, way)), part)
    return inspect.unwrap(inner) if callable(inner) else inner


def _files(made: Made) -> list[str]:
    """Where the source may be: the files, or cells, of its code; without those all that are known, the latest first."""
    parts = vars(made).values() if isinstance(made, type) else [made]
    functions = [function for function in map(_function, parts) if isinstance(function, FunctionType)]
    files = dict.fromkeys(each.__code__.co_filename for each in functions if each.__module__ == "__main__")
    script = getattr(sys.modules["__main__"], "__file__", None)
    return list(filter(linecache.getlines, files)) or [*reversed(linecache.cache), *([script] if script else [])]


def _statements(lines: list[str]) -> list[ast.stmt]:
    try:
        return ast.parse("".join(lines)).body
    except SyntaxError:
        return []


def _makes(node: ast.stmt, name: str) -> bool:
    """Whether the statement defines this name."""
    if isinstance(node, ast.Assign):
        return any(isinstance(target, ast.Name) and target.id == name for target in node.targets)
    return isinstance(node, (ast.ClassDef, ast.FunctionDef)) and node.name == name


def _names(code: CodeType) -> set[str]:
    """The globals that code reads, that of functions inside it too."""
    own = {
        str(each.argval)
        for each in dis.get_instructions(code)
        if each.opname.startswith("LOAD_") and each.opname.endswith(("_NAME", "_GLOBAL", "_GLOBALS"))
    }
    return own.union(*(_names(constant) for constant in code.co_consts if isinstance(constant, CodeType)))


def _place(value: object) -> tuple[str, str] | None:
    """The module from which it can be imported, its own or else one that has it, and by which name; None for none."""
    own, called = str(getattr(value, "__module__", None)), getattr(value, "__name__", None)
    others = sorted(set(sys.modules) - {*MAIN}, key=lambda module: ("._" in module, len(module), module))
    for module in [own] * (own not in MAIN) + others:
        has = getattr(sys.modules.get(module), "__dict__", {})
        names = [called] if has.get(called) is value else [name for name, each in has.items() if each is value]
        if names:
            return module, str(names[0])
    return None


def _literal(value: object) -> str | None:
    """The value as an expression; None where it is not made of numbers and text alone."""
    if isinstance(value, np.generic):
        item = _literal(value.item())
        return item and f"numpy.{type(value).__name__}({item})"
    if type(value) is float and not isfinite(value):
        return f"float('{value}')"
    if type(value) in (bool, int, float, complex, str, bytes, type(None)):
        return repr(value)
    if type(value) is dict:
        pairs = [(_literal(key), _literal(each)) for key, each in value.items()]
        return None if any(None in pair for pair in pairs) else "{" + ", ".join(f"{k}: {v}" for k, v in pairs) + "}"
    if type(value) in BRACKETS:
        parts = [_literal(each) for each in value]  # type: ignore[attr-defined]
        known = [part for part in parts if part is not None]
        if len(known) < len(parts):
            return None
        if not known:
            return repr(value)
        return BRACKETS[type(value)].format(", ".join(sorted(known) if isinstance(value, (set, frozenset)) else known))
    return None


def _kind(value: object) -> str:
    kind = type(value).__name__
    return f"an {kind}" if kind[0] in "aeiou" else f"a {kind}"
