"""A digest of a stage's code that changes when its meaning can change, and only then.

Snakemake hashes the shell command of a rule but not what that command imports. Each rule therefore
carries this digest as a parameter: it covers the stage's module and every `ugaar` module that it
imports, directly or not, as syntax trees without docstrings. Editing a comment, a docstring or
the layout leaves it unchanged; editing a formula in an imported module does not.
"""

from __future__ import annotations

import ast
import hashlib
from functools import cache
from pathlib import Path

PACKAGE_FOLDER = Path(__file__).resolve().parent


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


@cache
def _read(module: str) -> tuple[str, frozenset[str]]:
    """Return the hash of one module's meaning and the `ugaar` modules it imports."""
    path = _path_of(module)
    if path is None:
        return "", frozenset()
    tree = _without_docstrings(ast.parse(path.read_bytes(), filename=str(path)))
    imported: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            imported.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and node.level == 0:
            imported.add(node.module)
            imported.update(f"{node.module}.{alias.name}" for alias in node.names)
    known = frozenset(
        name for name in imported if name.split(".")[0] == "ugaar" and _path_of(name) is not None
    )
    return hashlib.sha256(ast.dump(tree).encode()).hexdigest(), known - {module}


def modules_behind(*modules: str) -> list[str]:
    """Return some modules and every `ugaar` module that they import, directly or not, sorted.

    Raises:
        FileNotFoundError: there is no such module.
    """
    for module in modules:
        if _path_of(module) is None:
            raise FileNotFoundError(f"no module {module} below {PACKAGE_FOLDER}")
    found: set[str] = set()
    waiting = list(modules)
    while waiting:
        name = waiting.pop()
        if name not in found:
            found.add(name)
            waiting.extend(_read(name)[1])
    return sorted(found)


def code_digest(*modules: str) -> str:
    """Return 16 hex digits that change when the code behind some modules changes its meaning.

    Args:
        modules: dotted names, such as `ugaar.stages.window`; a module that is chosen by name at
            run time (an encoder) is named beside its stage, since no import statement shows it.
    """
    whole = hashlib.sha256()
    for name in modules_behind(*modules):
        whole.update(f"{name} {_read(name)[0]}\n".encode())
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
