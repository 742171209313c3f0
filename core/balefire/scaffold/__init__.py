"""Writes a new plugin's folder: a copy of a template that is itself a working, tested plugin called Acme."""

import keyword
import re
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Final

from balefire_hookspecs import InvalidInput

KINDS: Final = {"push": "a push vendor", "robot": "a robot"}
"""What there are templates for."""


def new_plugin(kind: str, name: str, parent: Path) -> Path:
    """Write the folder ``parent/name`` and return it.

    :param kind: one of ``KINDS``.
    :param name: a word, or several joined by dashes or underscores: ``acme``, ``my_vendor``.
    :raises InvalidInput: the name cannot be a plugin's, or the folder is there already.
    """
    words = re.split(r"[-_]", name)
    if not all(re.fullmatch(r"[a-z][a-z0-9]*", word) for word in words) or keyword.iskeyword(name):
        raise InvalidInput(f"a plugin's name is lower-case words joined by - or _, like my_vendor; got {name!r}")
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
    text = text.replace("./acme", f"./{name}")
    text = re.sub(r"(?<=-)acme", "-".join(words), text)
    text = text.replace("ACME", "_".join(words).upper())
    text = text.replace("Acme", "".join(word.capitalize() for word in words))
    return text.replace("acme", "_".join(words))
