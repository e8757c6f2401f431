"""An engine's class as the text of an engine file: of one that was defined in a notebook's cell, or a script.

What it takes along is what its code names: so it runs in a process of its own, where the notebook is not.
"""

from __future__ import annotations

import ast
import builtins
import inspect
import linecache
import sys
from collections.abc import Iterator
from types import CodeType, FunctionType, ModuleType

from backprop import InputError

LITERALS = (bool, int, float, complex, str, bytes, type(None))


def source_of(engine: type) -> str:
    """The text of an engine file that defines this class, and what it names; the same for the same code.

    InputError for what can't be taken along: data of the notebook, and what was made inside of a function.
    """
    found: dict[str, str] = {}
    _collect(engine, engine.__name__, engine.__name__, found)
    imports = sorted({text for text in found.values() if text.startswith(("import ", "from "))})
    others = [text for text in found.values() if text not in imports]
    future = "from __future__ import annotations\n\n"  # what only an annotation names is not looked for
    return f'"""{engine.__name__}, as it was defined in a notebook."""\n\n{future}' + "\n".join([*imports, "", *others])


def _collect(value: object, name: str, engine: str, found: dict[str, str]) -> None:
    """Add what defines a name of the notebook's, after what that needs itself."""
    if name in found:
        return
    module = getattr(value, "__module__", None)
    if isinstance(value, ModuleType):
        found[name] = f"import {value.__name__} as {name}"
    elif isinstance(value, (type, FunctionType)) and module == "__main__":
        found[name] = ""  # it may name itself
        needed = dict(_needed(value, engine))
        for other in sorted(needed):
            _collect(needed[other], other, engine, found)
        text = _text(value, engine)
        if value.__name__ != name:
            text += f"{name} = {value.__name__}\n"
        del found[name]
        found[name] = text
    elif isinstance(module, str) and _is_in(module, called := str(getattr(value, "__name__", "")), value):
        found[name] = f"from {module} import {called} as {name}"
    elif _is_literal(value):
        found[name] = f"{name} = {value!r}\n"
    else:
        raise InputError(
            f"engine class {engine} uses {name} of the notebook, {_kind(value)}, which can't be sent to the processes "
            "that it is raced in: make it inside the class, or save the class to a file"
        )


def _text(value: type | FunctionType, engine: str) -> str:
    """The statement that defines a class or a function, decorators and all."""
    if "<locals>" in value.__qualname__:
        raise InputError(
            f"engine class {engine} needs {value.__name__}, which is made inside of a function: define it at the top of"
            " a cell"
        )
    for file in _files(value):
        lines = linecache.getlines(file)
        try:
            statements = ast.parse("".join(lines)).body
        except SyntaxError:
            continue
        for node in reversed(statements):
            if isinstance(node, (ast.ClassDef, ast.FunctionDef)) and node.name == value.__name__:
                first = min([node.lineno, *(decorator.lineno for decorator in node.decorator_list)])
                return "".join(lines[first - 1 : node.end_lineno]) + "\n"
    raise InputError(
        f"the source of {value.__name__} can't be found, which engine class {engine} is made of: save it to a file"
    )


def _files(value: type | FunctionType) -> list[str]:
    """Where the source may be: the file, or cell, of the code, or of a class's methods; of one without, the latest."""
    parts = vars(value).values() if isinstance(value, type) else [value]
    functions = [inspect.unwrap(getattr(part, "__func__", getattr(part, "fget", part))) for part in parts]
    files = [part.__code__.co_filename for part in functions if isinstance(part, FunctionType)]
    script = getattr(sys.modules["__main__"], "__file__", None)
    return list(dict.fromkeys(files or [*reversed(linecache.cache), *([script] if script else [])]))


def _needed(value: type | FunctionType, engine: str) -> Iterator[tuple[str, object]]:
    """What the code of a class or function names of the notebook's globals, and the bases of a class."""
    main = vars(sys.modules["__main__"])
    names: set[str] = set()
    if isinstance(value, type):
        names |= {name for base in value.__mro__[1:] for name in main if main[name] is base}
        # The class's own statements are compiled anew: of those Python keeps no code.
        names |= _names(compile(_text(value, engine), "<class>", "exec"))
    else:
        names |= _names(value.__code__) | _names(compile(_text(value, engine), "<function>", "exec"))
    for name in names - {value.__name__}:
        if name in main and not hasattr(builtins, name):
            yield name, main[name]


def _names(code: CodeType) -> set[str]:
    """The globals that code names, that of functions inside it too."""
    inner = [_names(constant) for constant in code.co_consts if isinstance(constant, CodeType)]
    return {*code.co_names}.union(*inner)


def _is_in(module: str, called: str, value: object) -> bool:
    """Whether it can be imported from there by this name."""
    return getattr(sys.modules.get(module), called, None) is value


def _is_literal(value: object) -> bool:
    if isinstance(value, dict):
        return all(map(_is_literal, (*value, *value.values())))
    if type(value) in (list, tuple, set, frozenset):
        return all(map(_is_literal, value))  # type: ignore[call-overload]
    return type(value) in LITERALS


def _kind(value: object) -> str:
    kind = type(value).__name__
    return f"an {kind}" if kind[0] in "aeiou" else f"a {kind}"
