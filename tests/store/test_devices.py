"""Installations and their push tokens."""

import asyncio

from balefire import Device
from balefire_store_sql import SqlMessageStore


def phone(user: str, id_: str = "phone", **fields: object) -> Device:
    return Device(user=user, id=id_, vendor="apns", **fields)  # type: ignore[arg-type]  # given by name


async def test_a_device_is_replaced_by_user_and_id(store: SqlMessageStore) -> None:
    await store.put_device(phone("alice", token="old", platform="ios"))
    new = phone("alice", token="new", language="zh", timezone="Asia/Shanghai", last_seen_at=5, registered_at=4)
    await store.put_device(new)
    await store.put_device(phone("alice", "tablet"))

    assert await store.devices(["alice", "nobody"]) == {"alice": [new, phone("alice", "tablet")], "nobody": []}


async def test_a_token_belongs_to_the_device_that_registered_it_last(store: SqlMessageStore) -> None:
    await store.put_device(phone("alice", token="T", voip_token="V"))
    await store.put_device(phone("bob", token="T", voip_token="V"))
    await store.put_device(Device(user="carol", id="phone", vendor="fcm", token="T"))

    found = await store.devices(["alice", "bob", "carol"])
    assert [(d.user, d.token, d.voip_token) for devices in found.values() for d in devices] == [
        ("alice", "", ""),
        ("bob", "T", "V"),
        ("carol", "T", ""),
    ]


async def test_devices_without_a_token_do_not_collide(store: SqlMessageStore) -> None:
    await store.put_device(phone("alice"))
    await store.put_device(phone("bob"))

    assert {len(devices) for devices in (await store.devices(["alice", "bob"])).values()} == {1}


async def test_a_forgotten_device_is_gone(store: SqlMessageStore) -> None:
    await store.put_device(phone("alice", token="T"))

    await store.forget_device("alice", "phone")
    await store.forget_device("alice", "phone")

    assert await store.devices(["alice"]) == {"alice": []}


async def test_a_rejected_token_is_blanked_unless_registered_again(store: SqlMessageStore) -> None:
    await store.put_device(phone("alice", token="T", voip_token="V", registered_at=100))

    assert await store.forget_token("apns", "T", registered_before=100) is None
    assert await store.forget_token("fcm", "T", registered_before=200) is None
    assert await store.forget_token("apns", "", registered_before=200) is None
    blanked = await store.forget_token("apns", "T", registered_before=101)
    assert await store.forget_token("apns", "T", registered_before=101) is None

    assert blanked == phone("alice", token="", voip_token="V", registered_at=100)
    assert await store.devices(["alice"]) == {"alice": [blanked]}


async def test_one_of_many_concurrent_registrations_keeps_the_token(store: SqlMessageStore) -> None:
    users = [f"user{n}" for n in range(8)]

    await asyncio.gather(*(store.put_device(phone(user, token="T")) for user in users))

    devices = await store.devices(users)
    assert sorted(d.token for found in devices.values() for d in found) == [""] * 7 + ["T"]
