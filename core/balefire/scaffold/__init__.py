"""Writes a new plugin's folder: a copy of a template that is itself a working, tested plugin called Acme."""

import keyword
import re
from importlib.metadata import entry_points
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Final

import balefire_hookspecs
from balefire_hookspecs import PROJECT, InvalidInput

TAKEN: Final = {"Config", "Plugin", "Contract", *balefire_hookspecs.__all__}
"""Names that mean something in a plugin's code, or among its tests."""

KINDS: Final = {"push": "a push vendor", "robot": "a robot"}
"""What there are templates for."""


def new_plugin(kind: str, name: str, parent: Path) -> Path:
    """Write the folder ``parent/name`` and return it.

    :param kind: one of ``KINDS``.
    :param name: a word, or several joined by dashes or underscores: ``acme``, ``my_vendor``.
    :raises InvalidInput: the name cannot be a plugin's, or is taken, or the folder is there already.
    """
    words = re.split(r"[-_]", name)
    if not all(re.fullmatch(r"[a-z][a-z0-9]*", word) for word in words) or keyword.iskeyword(name):
        raise InvalidInput(f"a plugin's name is lower-case words joined by - or _, like my_vendor; got {name!r}")
    if "".join(word.capitalize() for word in words) in TAKEN:
        raise InvalidInput(f"{name!r} already means something in a plugin's code; choose another name")
    if (plugin := "-".join([kind, *words])) in entry_points(group=PROJECT).names:
        raise InvalidInput(f"a plugin {plugin!r} is installed already; choose another name")
    folder = parent / name
    if folder.exists():
        raise InvalidInput(f"{folder} is there already; choose another name, or remove it")
    _copy(files(__name__) / kind, folder, name, words)
    return folder


def _copy(source: Traversable, target: Path, name: str, words: list[str]) -> None:
    target.mkdir(parents=True)
    for entry in source.iterdir():
        if entry.name == "__pycache__":
            continue
        copy = target / _renamed(entry.name, name, words)
        if entry.is_dir():
            _copy(entry, copy, name, words)
        else:
            copy.write_text(_renamed(entry.read_text(encoding="utf-8"), name, words), encoding="utf-8")


def _renamed(text: str, name: str, words: list[str]) -> str:
    """Acme's name in each spelling, replaced by the new one in the same spelling."""
    spellings = {
        "./acme": f"./{name}",
        "-acme": "-" + "-".join(words),
        "ACME": "_".join(words).upper(),
        "Acme": "".join(word.capitalize() for word in words),
        "acme": "_".join(words),
    }
    return re.sub("|".join(map(re.escape, spellings)), lambda found: spellings[found[0]], text)
