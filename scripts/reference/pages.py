"""Which pages are generated, and from what."""

from collections.abc import Callable
from pathlib import Path
from typing import Final

from scripts.reference import command_line, configuration, errors, hooks, rest

FOLDER: Final = Path(__file__).parents[2] / "docs" / "reference"

PAGES: Final[dict[str, Callable[[], str]]] = {
    "hooks.md": hooks.page,
    "configuration.md": configuration.page,
    "errors.md": errors.page,
    "rest.md": rest.page,
    "cli.md": command_line.page,
}


def out_of_date() -> list[Path]:
    """The pages that differ from what their sources say now."""
    return [
        FOLDER / name
        for name, page in PAGES.items()
        if not (FOLDER / name).exists() or (FOLDER / name).read_text() != page()
    ]


def write_all() -> None:
    """Write every page."""
    for name, page in PAGES.items():
        (FOLDER / name).write_text(page())
