"""GitHub's side of the demo: the hook of ``examples/github_notifier``, and its sample payloads, signed as GitHub does.

A wheel carries the example's files inside this package; a checkout has them in their own place.
"""

import hashlib
import hmac
import json
from pathlib import Path
from typing import Any, Final

PACKAGE: Final = Path(__file__).parent
PLACES: Final = (PACKAGE / "github_notifier", PACKAGE.parents[1] / "examples" / "github_notifier")

COURSE: Final = (
    "push",
    "pull_request.opened",
    "issues.opened",
    "workflow_run.failed",
    "issue_comment.created",
    "pull_request.merged",
    "release.published",
    "star.created",
)
"""The order in which a day on GitHub goes by."""


def example_folder() -> Path:
    """Where the example's files are.

    :raises FileNotFoundError: neither place has them.
    """
    for place in PLACES:
        if (place / "templates").is_dir():
            return place
    raise FileNotFoundError(f"the demo's GitHub templates are missing; looked in {PLACES[0]} and {PLACES[1]}")


def hook_definition(sender: str, conversations: list[str]) -> dict[str, Any]:
    """The body for ``POST /v1/hooks``: a template per event, and where GitHub names event, action and delivery."""
    files = sorted((example_folder() / "templates").glob("*.j2"))
    templates = {file.stem: file.read_text(encoding="utf-8") for file in files}
    return {
        "name": "GitHub",
        "sender": sender,
        "conversations": conversations,
        "template": templates.pop("default"),
        "templates": templates,
        "event_from": "header:X-GitHub-Event",
        "action_from": "body:action",
        "key_from": "header:X-GitHub-Delivery",
        "verify": "github",
    }


def read_events() -> list[tuple[str, bytes]]:
    """The events of the demo in their order: GitHub's name for each, and its payload."""
    samples = example_folder() / "samples"
    events = []
    for name in COURSE:
        payload = json.loads((samples / f"{name}.json").read_text(encoding="utf-8"))
        events.append((name.partition(".")[0], json.dumps(payload, ensure_ascii=False).encode()))
    return events


def headers_of(event: str, body: bytes, *, key: str, delivery: str) -> dict[str, str]:
    """What GitHub sends along; ``key`` is the secret both sides know."""
    return {
        "Content-Type": "application/json",
        "User-Agent": "GitHub-Hookshot/demo",
        "X-GitHub-Event": event,
        "X-GitHub-Delivery": delivery,
        "X-Hub-Signature-256": "sha256=" + hmac.new(key.encode(), body, hashlib.sha256).hexdigest(),
    }
