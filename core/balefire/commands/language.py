"""Which language the person at the terminal reads."""

import os
from collections.abc import Mapping
from typing import TypeVar

English = TypeVar("English", bound=str | None)


def say(english: English, chinese: str, environ: Mapping[str, str] = os.environ) -> English | str:
    """The text in the language of the locale.

    It is Chinese when ``LC_ALL``, ``LC_MESSAGES`` or ``LANG`` says so, in this order; ``LANGUAGE`` goes before them
    unless they ask for plain C, as everywhere. The help of a command passes ``None`` for the English text, because
    that is its docstring.
    """
    locale = next((environ[name] for name in ("LC_ALL", "LC_MESSAGES", "LANG") if environ.get(name)), "")
    if locale.partition(".")[0] not in ("C", "POSIX"):
        locale = environ.get("LANGUAGE") or locale
    return chinese if locale.lower().startswith("zh") else english
