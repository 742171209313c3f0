"""A platform in a process of its own that sends a push which is never answered, says so, and waits to be killed.

Run as ``python -m tests.push.crashing FOLDER``.
"""

import asyncio
import sys
from pathlib import Path
from typing import Any

from tests.push.waiting import until

from balefire import Payload, Submission
from balefire.testing import start_platform
from balefire_push_sandbox.faults import Fault

PLUGINS: dict[str, dict[str, Any]] = {
    "push-sandbox": {"phones": [{"user": "carol"}]},
    "push-apns": {"account_file": "../push-sandbox/apns.json"},
}
MESSAGES = 30


async def run(folder: Path) -> None:
    async with start_platform(folder, plugins=PLUGINS) as platform:
        plugin: Any = platform.kernel.host.records["push-sandbox"].plugin
        server = plugin.sandbox.servers["production"]
        for user in ("alice", "carol"):
            await platform.add_user(user)
        plugin.sandbox.faults.add(Fault(kind="silence", after=10, times=None))
        for number in range(MESSAGES):
            await platform.kernel.path.submit(
                Submission(
                    sender="alice",
                    conversation=platform.kernel.resolve("private/carol", "alice"),
                    payload=Payload("text", {"text": f"number {number}"}),
                    client_message_id=f"m-{number}",
                )
            )
        await until(lambda: server.waiting > 0)
        ids = [shown.id for shown in plugin.sandbox.phones.accepted]
        print("under way", *ids, flush=True)
        await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(run(Path(sys.argv[1])))
