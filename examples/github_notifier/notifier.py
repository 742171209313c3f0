"""GitHub events in your groups and channels: make the hook, and try it with payloads.

``python notifier.py install --to group/team --to channel/news`` makes the hook and prints what to enter on GitHub.
``python notifier.py replay URL SECRET`` posts sample payloads to it as GitHub would: with its headers, signed.
"""

import argparse
import hashlib
import hmac
import itertools
import json
import os
import time
import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

HERE = Path(__file__).parent
TEMPLATES = HERE / "templates"
SAMPLES = HERE / "samples"


def definition(conversations: Sequence[str], *, sender: str = "github", name: str = "GitHub") -> dict[str, Any]:
    """The body for ``POST /v1/hooks``: which template words which event, where events and deliveries are named.

    :param conversations: groups and channels to post to, as in ``group/team`` and ``channel/news``.
    :param sender: the robot account that posts; made when missing.
    """
    templates = {file.stem: file.read_text(encoding="utf-8") for file in sorted(TEMPLATES.glob("*.j2"))}
    return {
        "name": name,
        "sender": sender,
        "conversations": list(conversations),
        "template": templates.pop("default"),
        "templates": templates,
        "event_from": "header:X-GitHub-Event",
        "action_from": "body:action",
        "key_from": "header:X-GitHub-Delivery",
        "verify": "github",
    }


@dataclass(frozen=True)
class Delivery:
    """A payload as GitHub would send it."""

    event: str
    payload: dict[str, Any]

    def request(self, key: str, *, id: str = "") -> tuple[bytes, dict[str, str]]:
        """Body and headers, signed with the hook's secret; ``id`` as in X-GitHub-Delivery, random by default."""
        body = json.dumps(self.payload, separators=(",", ":"), ensure_ascii=False).encode()
        return body, {
            "Content-Type": "application/json",
            "User-Agent": "GitHub-Hookshot/replay",
            "X-GitHub-Event": self.event,
            "X-GitHub-Delivery": id or str(uuid.uuid4()),
            "X-Hub-Signature-256": "sha256=" + hmac.new(key.encode(), body, hashlib.sha256).hexdigest(),
        }


def read_deliveries(folder: Path) -> Iterator[Delivery]:
    """The payloads of a folder: ``index.json`` files that list examples by event, at any depth (the form of the npm
    package @octokit/webhooks-examples), and single payloads called ``<event>.<anything>.json``."""
    for file in sorted(folder.rglob("*.json")):
        if file.name == "index.json":
            for event in json.loads(file.read_text(encoding="utf-8")):
                yield from (Delivery(event["name"], example) for example in event["examples"])
        elif file.name != "package.json":
            yield Delivery(file.name.partition(".")[0], json.loads(file.read_text(encoding="utf-8")))


def install(given: argparse.Namespace) -> None:
    """Make the hook; say what to enter on GitHub under Settings, Webhooks."""
    answer = httpx.post(
        f"{given.server}/v1/hooks",
        json=definition(given.to, sender=given.sender),
        headers={"Authorization": f"Bearer {given.token}"},
    )
    if answer.status_code != httpx.codes.CREATED:
        raise SystemExit(f"the hook was not made: {answer.json().get('detail', answer.text)}")
    hook = answer.json()
    print("Payload URL :", hook["url"])
    print("Content type: application/json")
    print("Secret      :", hook["signing_key"])


def replay(given: argparse.Namespace) -> None:
    """Post payloads; say what came of each."""
    wanted = (each for each in read_deliveries(given.folder) if not given.event or each.event in given.event)
    with httpx.Client(timeout=30) as http:
        for delivery in itertools.islice(wanted, given.limit):
            print(post(http, given.url, given.secret, delivery))
            time.sleep(given.pause)


def post(http: httpx.Client, url: str, key: str, delivery: Delivery) -> str:
    """Post one payload, waiting when told to; one line about the outcome."""
    body, headers = delivery.request(key)
    answer = http.post(url, content=body, headers=headers)
    while answer.status_code == httpx.codes.TOO_MANY_REQUESTS:
        time.sleep(float(answer.headers["Retry-After"]))
        answer = http.post(url, content=body, headers=headers)
    outcome = answer.json()
    what = ".".join(filter(None, (delivery.event, delivery.payload.get("action"))))
    return f"{answer.status_code} {what}: {outcome.get('status') or outcome.get('detail')}"


def main(arguments: Sequence[str] | None = None) -> None:
    """Read the command line and do what it says."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(required=True)

    making = commands.add_parser("install", help="make the hook")
    making.add_argument("--server", default="http://127.0.0.1:8450", help="default: %(default)s")
    making.add_argument("--token", default=os.environ.get("BALEFIRE_TOKEN", ""), help="default: $BALEFIRE_TOKEN")
    making.add_argument("--to", action="append", required=True, help="group/team or channel/news; repeat for more")
    making.add_argument("--sender", default="github", help="the robot account that posts, default: %(default)s")
    making.set_defaults(run=install)

    trying = commands.add_parser("replay", help="post payloads to a hook")
    trying.add_argument("url", help="the hook's address")
    trying.add_argument("secret", help="the hook's secret")
    trying.add_argument("--folder", type=Path, default=SAMPLES, help="payloads to post, default: the samples")
    trying.add_argument("--event", action="append", help="only these events; repeat for more")
    trying.add_argument("--limit", type=int, help="post so many at most")
    trying.add_argument("--pause", type=float, default=0.0, metavar="SECONDS", help="between two payloads")
    trying.set_defaults(run=replay)

    given = parser.parse_args(arguments)
    given.run(given)


if __name__ == "__main__":
    main()
