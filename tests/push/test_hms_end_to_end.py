"""From a message to phones of Huawei's family: the whole way, on a running platform with the sandbox as vendors."""

from pathlib import Path
from typing import Any

from tests.push.waiting import until

from balefire import Payload, Submission
from balefire.testing import start_platform
from balefire_push_sandbox.plugin import hand_out
from balefire_push_sandbox.sandbox import Sandbox

VENDORS = {"huawei": "android", "harmony": "harmony", "honor": "android"}
PLUGINS: dict[str, dict[str, Any]] = {"push-sandbox": {}} | {
    f"push-{vendor}": {"account_file": f"../push-sandbox/{vendor}.json"} for vendor in VENDORS
}


async def test_messages_reach_phones_of_each_vendor(tmp_path: Path) -> None:
    async with start_platform(tmp_path, plugins=PLUGINS) as platform:
        record: Any = platform.kernel.host.records["push-sandbox"]
        sandbox: Sandbox = record.plugin.sandbox
        await platform.add_user("alice", display_name="Alice")
        for vendor in VENDORS:
            await platform.add_user(f"owner-of-{vendor}")
            await hand_out(record.context, sandbox.make_phone(user=f"owner-of-{vendor}", vendor=vendor))

        for vendor in VENDORS:
            conversation = platform.kernel.resolve(f"private/owner-of-{vendor}", "alice")
            await platform.kernel.path.submit(
                Submission(
                    sender="alice",
                    conversation=conversation,
                    payload=Payload("text", {"text": "五点喝茶？"}),
                    client_message_id=vendor,
                )
            )
        await until(lambda: sandbox.phones.count == len(VENDORS))

        for phone in sandbox.phones.all():
            [shown] = sandbox.phones.screen(phone.id)
            assert (phone.platform, shown.title, shown.body) == (VENDORS[phone.vendor], "Alice", "五点喝茶？")
            assert (shown.badge, shown.data["sender"]) == (1, "alice")
