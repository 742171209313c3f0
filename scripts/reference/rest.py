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
`/docs`. What holds for every operation:

* **Credentials.** Send a token or an API key as `Authorization: Bearer …`. Each operation asks for a scope; `admin`
  includes all. A banned user's tokens and keys are refused, but for keys with `admin`: somebody has to lift a mistaken
  ban. Revoking a key does not touch tokens that were made with it: `POST /v1/users/{id}/revoke-tokens` does.
* **Errors** are problem documents (RFC 9457) with a stable [code](errors.md), a sentence, and every fault of the
  request. Also what is no HTTP at all is answered so.
* **Values.** Ids are strings; times are integer milliseconds since the epoch, UTC.
* **Pages.** Ask again with `after` set to the answer's `next` until that is empty.
* **Idempotency.** Operations that take an `Idempotency-Key` act once per caller and key: a repeat within 24 hours gets
  the same answer, with `Idempotency-Replayed: true`. The same key with another request is refused. A message that is
  sent with a key is stored once even if the server dies before it can answer.
* **Rates.** `RateLimit-Limit`, `-Remaining` and `-Reset` (seconds until all is there again) come with each answer; 429
  says in `Retry-After` when to come back. Callers are users, and addresses where there is no credential. Behind a
  reverse proxy name it in `[server] trusted_proxies`, or all strangers share one allowance.
* **Audit.** What is done with more than a person's powers, and what operators do in another's place, is written down:
  who, with which credential, from where, what; `GET /v1/audit` reads it. Ordinary messages of an operator's program are
  not acts in this sense.
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
