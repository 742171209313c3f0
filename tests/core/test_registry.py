"""What plugins hand over: each sort is looked at when it comes in, and each name is given out once."""

from types import SimpleNamespace
from typing import Any

import pytest

from balefire import HealthCheck, Job, Metric, RawRoute
from balefire.plugin_record import PluginFailed, PluginRecord
from balefire.registry import SORTS, build_providers, collect, refuse_collisions


async def work(*_: Any) -> Any: ...


def one(**attributes: Any) -> SimpleNamespace:
    return SimpleNamespace(name="same", **attributes)


GOOD: dict[str, Any] = {
    "register_message_stores": one(append=work, history=work),
    "register_authenticators": one(authenticate=work),
    "register_token_issuers": one(issue=work, revoke=work, revoke_user=work),
    "register_directories": one(get=work, put=work, search=work),
    "register_conversation_kinds": one(resolve=work, authorize=work, audience=work, visibility=work),
    "register_content_types": one(check=work, digest=work),
    "register_push_vendors": one(send=work),
    "register_robots": SimpleNamespace(id="same", display_name="Same", answer=work),
    "register_gateways": one(drain=work),
    "register_routes": RawRoute("GET", "same", work),
    "register_event_consumers": one(consume=work),
    "register_jobs": Job("same", work, every_seconds=1),
    "register_health_checks": HealthCheck("same", work),
    "register_metrics": Metric("same", "help", float),
}
"""One good thing of every sort, all named alike."""


def record(name: str, hook: str, *items: Any) -> PluginRecord:
    return PluginRecord(name, state="running", registered={hook: items})


def test_every_sort_is_tried_here() -> None:
    assert set(GOOD) == set(SORTS)


@pytest.mark.parametrize("hook", SORTS)
def test_a_good_thing_comes_in_and_is_found_by_name(hook: str) -> None:
    items = collect(hook, iter([GOOD[hook]]))

    providers = build_providers([record("one", hook, *items)])

    assert items == (GOOD[hook],)
    table = SORTS[hook].table
    assert not table or dict(getattr(providers, table)) == {"same": GOOD[hook]}


@pytest.mark.parametrize("hook", SORTS)
def test_a_thing_that_lacks_something_is_refused_by_its_sorts_name(hook: str) -> None:
    with pytest.raises(PluginFailed, match=f"{hook} returned SimpleNamespace, which is no {SORTS[hook].noun}"):
        collect(hook, [SimpleNamespace(name="half", id="half")])


@pytest.mark.parametrize("hook", SORTS)
def test_a_name_that_is_taken_names_both_plugins_unless_it_is_private(hook: str) -> None:
    first, second = record("first", hook, GOOD[hook]), record("second", hook, GOOD[hook])

    if SORTS[hook].is_private:
        refuse_collisions(second, [first])
    else:
        with pytest.raises(PluginFailed, match=f"{SORTS[hook].noun} '.*same' is already provided by plugin 'first'"):
            refuse_collisions(second, [first])


@pytest.mark.parametrize("hook", SORTS)
def test_a_plugin_cannot_give_one_name_twice(hook: str) -> None:
    with pytest.raises(PluginFailed, match="is already provided by plugin 'one'"):
        refuse_collisions(record("one", hook, GOOD[hook], GOOD[hook]), [])


@pytest.mark.parametrize("returned", ["text", 3, b"bytes"])
def test_what_is_no_list_is_refused(returned: object) -> None:
    with pytest.raises(PluginFailed, match="register_jobs must return a list"):
        collect("register_jobs", returned)


def test_nothing_is_fine() -> None:
    assert collect("register_jobs", None) == ()
    assert collect("register_jobs", []) == ()


def test_a_batch_vendor_is_a_push_vendor_too() -> None:
    assert collect("register_push_vendors", [one(send_batch=work, max_batch=10)])


def test_providers_of_plugins_that_are_not_running_are_left_out() -> None:
    stopped = record("stopped", "register_push_vendors", one(send=work))
    stopped.state = "failed"

    assert build_providers([stopped]).push_vendors == {}
