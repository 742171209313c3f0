"""From a message to the phones of every vendor: the whole way, on a running platform with the sandbox as vendors."""

from pathlib import Path
from typing import Any

import httpx
from tests.push.waiting import until

from balefire import Payload, Submission
from balefire.testing import Platform, start_platform
from balefire_push_sandbox.desks import DESKS
from balefire_push_sandbox.sandbox import Sandbox

PLUGIN_OF = {vendor: f"push-{vendor}" for vendor in DESKS} | {"webpush": "push-web"}
PHONES = [{"user": f"owner-of-{vendor}", "name": vendor, "vendor": vendor} for vendor in DESKS]
PLUGINS: dict[str, dict[str, Any]] = {"push-sandbox": {"vendors": list(DESKS), "phones": PHONES, "is_open": True}} | {
    PLUGIN_OF[vendor]: {"account_file": f"../push-sandbox/{vendor}.json"} for vendor in DESKS
}
SETTINGS = {"outgoing": {"allow": ["127.0.0.0/8"]}}  # web push calls the addresses that browsers give, here our own


async def test_messages_reach_the_phones_of_every_vendor(tmp_path: Path) -> None:
    async with start_platform(tmp_path, plugins=PLUGINS, settings=SETTINGS) as platform:
        record: Any = platform.kernel.host.records["push-sandbox"]
        sandbox: Sandbox = record.plugin.sandbox
        await platform.add_user("alice", display_name="Alice")
        for vendor in DESKS:
            await platform.add_user(f"owner-of-{vendor}")

        for vendor in DESKS:
            await _say(platform, vendor)
        await until(lambda: sandbox.phones.count == len(DESKS))

        for phone in sandbox.phones.all():
            [shown] = sandbox.phones.screen(phone.id)
            assert (shown.title, shown.body) == ("Alice", "五点喝茶？"), phone.vendor


async def test_the_sandbox_gives_out_phones_of_the_vendors_it_plays(tmp_path: Path) -> None:
    plugins: dict[str, dict[str, Any]] = {"push-sandbox": {"vendors": ["xiaomi"], "is_open": True}}
    async with (
        start_platform(tmp_path, plugins=plugins) as platform,
        httpx.AsyncClient(base_url=platform.url, trust_env=False) as http,
    ):
        made = await http.post("/sandbox/api/phones", json={"user": "alice", "vendor": "xiaomi"})
        refused = await http.post("/sandbox/api/phones", json={"user": "alice", "vendor": "oppo"})
        state = (await http.get("/sandbox/api/state")).json()

    assert (made.status_code, made.json()["vendor"]) == (201, "xiaomi")
    assert (refused.status_code, refused.json()["detail"]) == (422, "vendor is one of apns, xiaomi")
    assert state["vendors"] == ["apns", "xiaomi"]
    assert [phone["vendor"] for phone in state["phones"]] == ["xiaomi"]


async def _say(platform: Platform, vendor: str) -> None:
    conversation = platform.kernel.resolve(f"private/owner-of-{vendor}", "alice")
    payload = Payload("text", {"text": "五点喝茶？"})
    await platform.kernel.path.submit(
        Submission(sender="alice", conversation=conversation, payload=payload, client_message_id=vendor)
    )
