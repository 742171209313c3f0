"""``POST /hooks/<secret>``: from any JSON to a message."""

import base64
import hashlib
import hmac
from pathlib import Path

import pytest
from tests.robots.hearing import next_message
from tests.robots.hooking import make_hook, make_places, post

from balefire.testing import Platform, TestClock, start_platform


async def test_a_payload_becomes_a_message_in_a_group_and_a_channel(platform: Platform) -> None:
    await make_places(platform, "alice")
    alice = await platform.client("alice")
    hook = await make_hook(platform, sender="notes", conversations=["group/team", "channel/news"])

    answer = await post(platform, hook, {"text": "你好 <b>"})
    received = [await next_message(alice), await next_message(alice)]

    assert answer.status_code == 200
    assert [each["in"] for each in answer.json()["messages"]] == ["group/team", "channel/news"]
    assert {(m.conversation, m.sender, m.text) for m in received} == {
        ("group/team", "notes", "你好 <b>"),
        ("channel/news", "notes", "你好 <b>"),
    }


async def test_a_repeated_delivery_is_posted_once(platform: Platform) -> None:
    await make_places(platform)
    hook = await make_hook(platform, key_from="header:X-Delivery")

    first = await post(platform, hook, {"text": "one"}, headers={"X-Delivery": "7"})
    again = await post(platform, hook, {"text": "one"}, headers={"X-Delivery": "7"})
    other = await post(platform, hook, {"text": "one"}, headers={"X-Delivery": "8"})

    assert first.json() == again.json() != other.json()


@pytest.mark.parametrize("number", [17, "17"])
async def test_a_delivery_may_be_numbered_in_the_body(platform: Platform, number: object) -> None:
    await make_places(platform)
    hook = await make_hook(platform, key_from="body:delivery.id")

    first = await post(platform, hook, {"text": "one", "delivery": {"id": number}})
    again = await post(platform, hook, {"text": "one", "delivery": {"id": number}})
    unnumbered = await post(platform, hook, {"text": "one", "delivery": {"id": True}})

    assert first.json() == again.json() != unnumbered.json()


async def test_a_hook_that_wants_signatures_is_never_without_a_key(platform: Platform) -> None:
    await make_places(platform)

    hook = await make_hook(platform, verify="github", signing_key="")
    forged = hmac.new(b"", b'{"text": "x"}', hashlib.sha256).hexdigest()
    answer = await post(platform, hook, b'{"text": "x"}', headers={"X-Hub-Signature-256": f"sha256={forged}"})

    assert len(hook["signing_key"]) >= 32
    assert answer.status_code == 401


async def test_the_template_is_chosen_by_event_and_action(platform: Platform) -> None:
    hook = {"templates": {"push": "P", "issue": "I", "issue.opened": "IO"}, "template": "other {{ event }}"}
    texts = []
    for event, action in [("push", ""), ("issue", "closed"), ("issue", "opened"), ("fork", "")]:
        trial = await platform.http.post("/v1/hooks/preview", json={**hook, "event": event, "action": action})
        texts.append(trial.json()["text"])

    assert texts == ["P", "I", "IO", "other fork"]


async def test_the_event_may_be_named_in_the_body(platform: Platform) -> None:
    await make_places(platform)
    hook = await make_hook(platform, event_from="body:object.kind", templates={"build": "built"}, template="")

    built = await post(platform, hook, {"object": {"kind": "build"}})
    nothing = await post(platform, hook, {"object": {"kind": "test"}})

    assert built.json()["status"] == "delivered"
    assert (nothing.status_code, nothing.json()["status"]) == (202, "ignored")


async def test_json_is_taken_by_any_of_its_names(platform: Platform) -> None:
    await make_places(platform)
    hook = await make_hook(platform)

    for content_type in ("application/json", "application/vnd.acme+json", "text/json"):
        answer = await post(platform, hook, {"text": "x"}, headers={"Content-Type": content_type})
        assert answer.status_code == 200, content_type


async def test_forms_are_taken_plain_or_with_json_inside(platform: Platform) -> None:
    await make_places(platform, "alice")
    alice = await platform.client("alice")
    hook = await make_hook(platform)
    form = {"Content-Type": "application/x-www-form-urlencoded"}

    await post(platform, hook, b"text=plain+form", headers=form)
    await post(platform, hook, b"payload=%7B%22text%22%3A%22inside%22%7D", headers=form)

    assert [(await next_message(alice)).text for _ in range(2)] == ["plain form", "inside"]


JSON, FORM = "application/json", "application/x-www-form-urlencoded"
BAD_BODIES = [
    (b"{", JSON, 422, "invalid_input"),
    (b"", JSON, 422, "invalid_input"),
    (b"\xff\xfe", JSON, 422, "invalid_input"),
    (b"[" * 100_000, JSON, 422, "invalid_input"),
    (b'{"a":' * 65 + b"1" + b"}" * 65, JSON, 422, "invalid_input"),
    (b'{"text": NaN}', JSON, 422, "invalid_input"),
    (b'"' + b"x" * (1 << 20) + b'"', JSON, 413, "too_large"),
    (b"<a/>", "application/xml", 415, "unsupported_media_type"),
    (b"payload=[", FORM, 422, "invalid_input"),
    (b"a=%ff", FORM, 422, "invalid_input"),
]


async def test_bad_bodies_get_a_problem_document(platform: Platform) -> None:
    await make_places(platform)
    hook = await make_hook(platform)

    for body, content_type, status, code in BAD_BODIES:
        answer = await post(platform, hook, body, headers={"Content-Type": content_type})
        assert (answer.status_code, answer.json()["code"]) == (status, code), body[:40]
        assert answer.headers["Content-Type"].startswith("application/problem+json")

    assert (await post(platform, hook, {"text": "still works"})).status_code == 200


async def test_a_template_that_fails_is_answered_with_its_line(platform: Platform) -> None:
    await make_places(platform)
    hook = await make_hook(platform, template="fine\n{{ 1 / zero }}")

    answer = await post(platform, hook, {"zero": 0})

    assert (answer.status_code, answer.json()["where"]) == (422, "template:2")
    assert "division by zero" in answer.json()["detail"]


async def test_an_unknown_address_tells_nothing(platform: Platform) -> None:
    await make_places(platform)
    hook = await make_hook(platform)

    rotated = (await platform.http.post(f"/v1/hooks/{hook['id']}/rotate")).json()
    old, new = await post(platform, hook, {"text": "x"}), await post(platform, rotated, {"text": "x"})
    await platform.http.patch(f"/v1/hooks/{hook['id']}", json={"is_enabled": False})
    off = await post(platform, rotated, {"text": "x"})

    assert [answer.status_code for answer in (old, new, off)] == [404, 200, 404]
    assert old.json()["detail"] == off.json()["detail"]


async def test_githubs_signature_is_checked_over_the_body_as_it_came(platform: Platform) -> None:
    await make_places(platform)
    hook = await make_hook(platform, verify="github")
    body = b'{ "text":  "signed" }'
    signature = hmac.new(hook["signing_key"].encode(), body, hashlib.sha256).hexdigest()

    good = await post(platform, hook, body, headers={"X-Hub-Signature-256": f"sha256={signature}"})
    tampered = await post(platform, hook, body + b" ", headers={"X-Hub-Signature-256": f"sha256={signature}"})
    garbage = await post(platform, hook, body, headers={"X-Hub-Signature-256": "sha256=zz"})
    missing = await post(platform, hook, body)

    assert [answer.status_code for answer in (good, tampered, garbage, missing)] == [200, 401, 401, 401]


async def test_standard_webhooks_are_checked_with_their_time(tmp_path: Path) -> None:
    clock = TestClock(auto_advance=True)
    key = b"0123456789abcdef0123456789abcdef"
    async with start_platform(tmp_path, clock=clock) as platform:
        await make_places(platform)
        given = "whsec_" + base64.b64encode(key).decode()
        hook = await make_hook(platform, verify="standard", signing_key=given)

        def signed(id_: str, at: int, body: bytes) -> dict[str, str]:
            code = hmac.new(key, f"{id_}.{at}.".encode() + body, hashlib.sha256).digest()
            both = f"v1a,xyz v1,{base64.b64encode(code).decode()}"
            return {"webhook-id": id_, "webhook-timestamp": f"{at}", "webhook-signature": both}

        now, body = clock.now_ms() // 1000, b'{"text":"x"}'
        good = await post(platform, hook, body, headers=signed("m1", now, body))
        again = await post(platform, hook, body, headers=signed("m1", now, body))
        old = await post(platform, hook, body, headers=signed("m2", now - 400, body))
        forged = await post(platform, hook, body, headers={**signed("m3", now, body), "webhook-id": "m4"})
        garbage = await post(platform, hook, body, headers={**signed("m5", now, body), "webhook-signature": "v1,!!"})

        assert [answer.status_code for answer in (good, again, old, forged, garbage)] == [200, 200, 401, 401, 401]
        assert good.json() == again.json()


async def test_a_hook_called_too_often_is_told_when_to_come_back(tmp_path: Path) -> None:
    clock = TestClock()
    async with start_platform(
        tmp_path, plugins={"incoming-hooks": {"burst": 2, "rate_per_minute": 60}}, clock=clock
    ) as platform:
        await make_places(platform)
        hook, other = await make_hook(platform), await make_hook(platform)

        answers = [await post(platform, hook, {"text": f"{n}"}) for n in range(3)]
        elsewhere = await post(platform, other, {"text": "x"})
        await clock.advance(1)
        later = await post(platform, hook, {"text": "x"})

        assert [answer.status_code for answer in answers] == [200, 200, 429]
        assert [answer.headers["RateLimit-Remaining"] for answer in answers] == ["1", "0", "0"]
        assert (answers[2].json()["code"], answers[2].headers["Retry-After"]) == ("slow_down", "2")
        assert (elsewhere.status_code, later.status_code) == (200, 200)


async def test_what_one_conversation_refuses_reaches_the_others(platform: Platform) -> None:
    await make_places(platform)
    hook = await make_hook(platform, sender="notes", conversations=["group/team", "channel/news"])
    gone = await platform.http.delete("/v1/groups/team/members/notes")
    assert gone.is_success

    partly = await post(platform, hook, {"text": "x"})
    removed = await platform.http.post("/v1/channels/news/subscribers/remove", json={"users": ["notes"]})
    nowhere = await post(platform, hook, {"text": "x"})
    state = (await platform.http.get(f"/v1/hooks/{hook['id']}")).json()

    assert removed.is_success
    assert partly.status_code == 200
    assert [("message" in each, each["in"]) for each in partly.json()["messages"]] == [
        (False, "group/team"),
        (True, "channel/news"),
    ]
    assert nowhere.status_code == 403
    assert (state["delivered"], state["refused"]) == (1, 1)


async def test_the_log_never_holds_an_address(platform: Platform, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("DEBUG")
    await make_places(platform)
    hook = await make_hook(platform, template="{{ 1 / zero }}", sender="notes")
    secret = hook["url"].rpartition("/")[2]

    await post(platform, hook, {"zero": 1})
    await post(platform, hook, {"zero": 0})
    await post(platform, hook, b"{")

    ours = [record for record in caplog.records if not record.name.startswith("http")]  # the test's own client
    assert any("/hooks/{secret}" in str(vars(record)) for record in ours)
    assert secret not in "\n".join(f"{record.getMessage()} {vars(record)}" for record in ours)
