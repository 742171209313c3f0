"""Which language the person at the terminal reads."""

import os
from collections.abc import Mapping


def say(english: str, chinese: str, environ: Mapping[str, str] = os.environ) -> str:
    """The text in the language of the locale: Chinese when ``LC_ALL``, ``LC_MESSAGES`` or ``LANG`` says so."""
    locale = next((environ[name] for name in ("LC_ALL", "LC_MESSAGES", "LANG") if environ.get(name)), "")
    return chinese if locale.lower().startswith("zh") else english
