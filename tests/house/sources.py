"""The project's own sources, parsed once, for the tests that read them."""

import ast
import functools
import subprocess
from pathlib import Path

PROJECT = Path(__file__).parents[2]
ROOTS = ("hookspecs", "core", "plugins")


@functools.cache
def modules(root: str) -> dict[Path, ast.Module]:
    """Every Python module below a top-level folder, parsed, but for the templates of new plugins."""
    paths = (path for path in sorted((PROJECT / root).rglob("*.py")) if path.parent.parent.name != "scaffold")
    return {path: ast.parse(path.read_text()) for path in paths if path.parents[2].name != "scaffold"}


@functools.cache
def plugin_packages() -> frozenset[str]:
    """Import names of the built-in plugins: packages and single files alike."""
    return frozenset(path.stem for path in (PROJECT / "plugins").glob("balefire_*"))


@functools.cache
def tracked_files() -> tuple[Path, ...]:
    """What git tracks, and what it would: new files that are not ignored."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"]
    listed = subprocess.run(command, cwd=PROJECT, check=True, capture_output=True, text=True).stdout
    return tuple(path for name in listed.split("\0") if name and (path := PROJECT / name).is_file())
