"""A digest of a stage's code that changes when its meaning can change, and only then.

Snakemake hashes the shell command of a rule but not what that command imports. Each rule therefore
carries this digest as a parameter: it covers the stage's module and, of every `ugaar` module that
it imports, the functions, classes and constants that are reached from there, directly or not, as
syntax trees without docstrings. Editing a comment, a docstring, the layout or a table that the
stage never names leaves it unchanged; editing a formula in a function that it calls does not.
"""

from __future__ import annotations

import ast
import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

PACKAGE_FOLDER = Path(__file__).resolve().parent

WHOLE, ON_IMPORT = "*", ""
"""In place of a name: all of a module; its statements that make no name but run on import."""

_DYNAMIC = {"globals", "vars", "locals", "eval", "exec"}
"""Calls that can reach any name: who uses one is taken to need the whole module."""


def _path_of(module: str) -> Path | None:
    base = PACKAGE_FOLDER.parent.joinpath(*module.split("."))
    for candidate in (base.with_suffix(".py"), base / "__init__.py"):
        if candidate.is_file():
            return candidate
    return None


def _without_docstrings(tree: ast.Module) -> ast.Module:
    documented = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
    for node in ast.walk(tree):
        if isinstance(node, documented):
            # A docstring is any bare text; texts below attributes are documentation too.
            node.body = [
                line
                for line in node.body
                if not (
                    isinstance(line, ast.Expr)
                    and isinstance(line.value, ast.Constant)
                    and isinstance(line.value.value, str)
                )
            ]
    return tree


@dataclass
class _Module:
    """What a module's names are made of.

    Attributes:
        texts: name -> the statements that make it, as text; `ON_IMPORT` -> all others.
        needs: name -> the (module, name) pairs that these statements mention.
    """

    texts: dict[str, list[str]] = field(default_factory=lambda: {ON_IMPORT: []})
    needs: dict[str, set[tuple[str, str]]] = field(default_factory=lambda: {ON_IMPORT: set()})

    def add(self, name: str, node: ast.stmt, module: str) -> None:
        self.texts.setdefault(name, []).append(ast.dump(node))
        self.needs.setdefault(name, set()).update(_mentioned(node, module))


def _bound(node: ast.stmt) -> list[str]:
    """Return the names that a top-level statement makes, none if it does anything else too."""
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        return [node.name]
    if isinstance(node, ast.Import | ast.ImportFrom):
        return [(alias.asname or alias.name).split(".")[0] for alias in node.names]
    if isinstance(node, ast.Assign):
        targets = [
            part
            for target in node.targets
            for part in (target.elts if isinstance(target, ast.Tuple | ast.List) else [target])
        ]
    elif isinstance(node, ast.AnnAssign):
        targets = [node.target]
    else:
        return []
    names = [target.id for target in targets if isinstance(target, ast.Name)]
    return names if len(names) == len(targets) else []


def _mentioned(node: ast.AST, module: str) -> Iterator[tuple[str, str]]:
    """Yield what a statement mentions: names of its own module, and names that it imports."""
    for part in ast.walk(node):
        if isinstance(part, ast.Name):
            yield (module, WHOLE if part.id in _DYNAMIC else part.id)
        elif isinstance(part, ast.Import):
            yield from ((alias.name, WHOLE) for alias in part.names)
        elif isinstance(part, ast.ImportFrom) and part.module and part.level == 0:
            for alias in part.names:
                inner = f"{part.module}.{alias.name}"
                if inner.split(".")[0] == "ugaar" and _path_of(inner) is not None:
                    yield (inner, WHOLE)
                else:
                    yield (part.module, WHOLE if alias.name == "*" else alias.name)


@cache
def _read(module: str) -> _Module | None:
    """Return the parts of one module, None if it is not one of ours."""
    path = _path_of(module) if module.split(".")[0] == "ugaar" else None
    if path is None:
        return None
    found = _Module()
    for node in _without_docstrings(ast.parse(path.read_bytes(), filename=str(path))).body:
        for name in _bound(node) or [ON_IMPORT]:
            found.add(name, node, module)
    return found


def names_behind(*modules: str) -> list[tuple[str, str]]:
    """Return what some modules need of the package: sorted (module, name) pairs, themselves whole.

    Raises:
        FileNotFoundError: there is no such module.
    """
    for module in modules:
        if _path_of(module) is None:
            raise FileNotFoundError(f"no module {module} below {PACKAGE_FOLDER}")
    found: set[tuple[str, str]] = set()
    waiting = [(module, WHOLE) for module in modules]
    while waiting:
        pair = module, name = waiting.pop()
        parts = _read(module)
        if parts is None or pair in found:
            continue
        if name == WHOLE:
            found.add(pair)
            waiting.extend((module, other) for other in parts.texts)
        elif name in parts.texts:
            found.add(pair)
            waiting.append((module, ON_IMPORT))
            waiting.extend(parts.needs[name])
    return sorted(found)


def code_digest(*modules: str) -> str:
    """Return 16 hex digits that change when the code behind some modules changes its meaning.

    Args:
        modules: dotted names, such as `ugaar.stages.window`; a module that is chosen by name at
            run time (an encoder) is named beside its stage, since no import statement shows it.
    """
    whole = hashlib.sha256()
    for module, name in names_behind(*modules):
        parts = _read(module)
        for text in parts.texts.get(name, []) if parts else []:
            whole.update(f"{module} {name} {text}\n".encode())
    return whole.hexdigest()[:16]


def constant_of(module: str, name: str) -> object:
    """Return the literal value of a module's constant without importing the module.

    Args:
        module: dotted name, such as `ugaar.stages.window`.
        name: name of the constant, such as `SETTINGS`.

    Raises:
        FileNotFoundError: there is no such module.
        KeyError: the module assigns no literal to that name.
    """
    path = _path_of(module)
    if path is None:
        raise FileNotFoundError(f"no module {module} below {PACKAGE_FOLDER}")
    for line in ast.parse(path.read_bytes(), filename=str(path)).body:
        if not isinstance(line, ast.Assign | ast.AnnAssign) or line.value is None:
            continue
        targets = line.targets if isinstance(line, ast.Assign) else [line.target]
        if any(isinstance(target, ast.Name) and target.id == name for target in targets):
            return ast.literal_eval(line.value)
    raise KeyError(f"{path} has no constant {name}")
