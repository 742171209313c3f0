"""The import contracts: plugins → balefire → balefire_hookspecs, and no plugin imports another.

``python -m tests.house.layering`` prints what breaks them.
"""

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

from tests.house.sources import PROJECT, ROOTS, modules, plugin_packages

import balefire

PUBLIC_MODULES = frozenset({"balefire", "balefire.client"})
"""What a plugin may import from the kernel's distribution: the public names, and the client library."""


def imports(tree: ast.Module) -> Iterator[tuple[int, str, str]]:
    """Every import, also those inside functions: line, module, and the name taken from it ("" for the module)."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name, "") for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            module = "." * node.level + (node.module or "")
            yield from ((node.lineno, module, alias.name) for alias in node.names)


def is_ours(module: str) -> bool:
    return module.split(".")[0].startswith("balefire")


def refusal(root: str, package: str, module: str, name: str) -> str | None:
    """Why this import is not allowed there, or ``None``."""
    top = module.split(".")[0]
    if module.startswith("."):
        return "imports are absolute"
    if not is_ours(module) or top == package:
        return None
    if root == "hookspecs":
        return "the contract imports neither the kernel nor plugins"
    if root == "core":
        return None if top == "balefire_hookspecs" else "the kernel never imports a plugin"
    if top in plugin_packages():
        return "a plugin never imports another plugin; look the provider up in the registry"
    if module not in PUBLIC_MODULES or not name:
        return "a plugin writes `from balefire import <public name>`"
    if module == "balefire" and name not in balefire.__all__:
        return f"{name!r} is no public name of balefire"
    return None


def check_module(root: str, path: Path, tree: ast.Module) -> Iterator[str]:
    package = path.relative_to(PROJECT / root).parts[0].removesuffix(".py")
    for line, module, name in imports(tree):
        if why := refusal(root, package, module, name):
            taken = f"from {module} import {name}" if name else f"import {module}"
            yield f"{path.relative_to(PROJECT)}:{line}: {taken}: {why}"


def problems() -> list[str]:
    """Every import that breaks the contracts, with file and line."""
    return [
        problem for root in ROOTS for path, tree in modules(root).items() for problem in check_module(root, path, tree)
    ]


if __name__ == "__main__":
    found = problems()
    print("\n".join(found) or "import contracts hold")
    sys.exit(bool(found))
