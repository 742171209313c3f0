"""``rest.md``: the REST API at a glance, from the OpenAPI document that the platform serves."""

import asyncio
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from scripts.reference.markdown import GENERATED, code, paragraph, table

from balefire.testing import start_platform

INTRODUCTION = """\
# REST API

A running platform serves this as an OpenAPI 3.1 document at `/openapi.json`, and as pages to browse and try at
`/docs`. Send a token or an API key as `Authorization: Bearer …`. Failures are problem documents with a stable
[code](errors.md). Lists are pages: ask again with `after` set to the answer's `next` until that is empty. Repeat a
creation safely with an `Idempotency-Key` header.
"""


def page() -> str:
    """The page: operations by tag, with what each may answer."""
    document = asyncio.run(_document())
    operations = list(_operations(document))
    tags = dict.fromkeys(tag for tag, *_ in operations)
    parts = [f"## {tag.capitalize()}\n\n{_table(operations, tag)}" for tag in tags]
    return "\n".join([GENERATED, INTRODUCTION, *parts])


async def _document() -> dict[str, Any]:
    with tempfile.TemporaryDirectory() as folder:
        async with start_platform(Path(folder)) as platform:
            answer = await platform.http.get("/openapi.json")
            document: dict[str, Any] = answer.raise_for_status().json()
            return document


def _operations(document: dict[str, Any]) -> Iterator[tuple[str, str, str, str, str]]:
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            if "responses" in operation:
                tag = next(iter(operation.get("tags", [])), "other")
                summary = operation.get("summary") or operation.get("description", "").split("\n\n")[0]
                yield tag, method.upper(), path, paragraph(summary), ", ".join(sorted(operation["responses"]))


def _table(operations: list[tuple[str, str, str, str, str]], tag: str) -> str:
    rows = ((code(f"{method} {path}"), text, answers) for of, method, path, text, answers in operations if of == tag)
    return table(["Operation", "What it does", "Answers"], rows)
