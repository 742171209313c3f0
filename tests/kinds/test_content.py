"""Content types: what they accept, what they refuse and by which field, and the line that stands for them."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from balefire import InvalidInput, Payload
from balefire_content.catalogue import BUILT_IN, DeclaredType
from balefire_content.digests import MAX_CHARACTERS, one_line
from balefire_content.plugin import Config, Plugin

TYPES = {declared.name: declared for declared in BUILT_IN}
URL = "https://example.org/a.png"

GOOD: list[tuple[str, dict[str, Any]]] = [
    ("text", {"text": "hello"}),
    ("text", {"text": "yes", "quote": {"message": "71", "user": "bob", "digest": "shall we?"}}),
    ("text", {"text": "hello", "extra": {"anything": [1, {"goes": None}]}}),
    ("quiet-text", {"text": "hello"}),
    ("image", {"url": URL, "width": 640, "height": 480, "size_bytes": 12_345, "thumbnail": "/9j/4AAQ=="}),
    ("image", {"url": "/media/abc"}),
    ("voice", {"url": URL, "duration_seconds": 3}),
    ("voice", {"url": URL, "duration_seconds": 3.5, "size_bytes": 9}),
    ("video", {"url": URL, "duration_seconds": 60, "width": 1, "height": 1}),
    ("file", {"url": URL, "name": "report.pdf", "size_bytes": 1 << 40}),
    ("location", {"latitude": 31.2, "longitude": 121, "title": "上海"}),
    ("sticker", {"url": URL, "width": 100, "height": 100}),
    ("link", {"url": URL, "title": "a page", "digest": "about it", "thumbnail_url": ""}),
    ("card", {"target": "bob", "kind": "user", "name": "Bob"}),
    ("articles", {"articles": [{"title": "one", "url": URL}, {"title": "two", "url": URL, "cover": URL}]}),
    ("notification", {"title": "built", "rows": [{"key": "branch", "value": "main", "color": "#00ff00"}]}),
    ("tip", {"text": "bob is on holiday"}),
    ("typing", {}),
    ("typing", {"activity": "voice"}),
    ("streaming", {"stream": "s1", "text": ""}),
    ("streamed", {"stream": "s1", "text": "done"}),
    ("recalled", {"by": "bob"}),
    ("group.created", {"operator": "a", "name": "team"}),
    ("group.members_added", {"operator": "a", "users": ["b", "c"]}),
    ("group.members_removed", {"operator": "a", "users": ["b"]}),
    ("group.member_left", {"operator": "a"}),
    ("group.dissolved", {"operator": "a"}),
    ("group.owner_transferred", {"operator": "a", "owner": "b"}),
    ("group.renamed", {"operator": "a", "name": ""}),
    ("group.alias_changed", {"operator": "a", "user": "b", "alias": "B"}),
    ("group.portrait_changed", {"operator": "a", "portrait": URL}),
    ("group.mute_all_changed", {"operator": "a", "on": True}),
    ("group.join_type_changed", {"operator": "a", "join_type": "managed"}),
    ("group.private_chat_changed", {"operator": "a", "on": False}),
    ("group.managers_changed", {"operator": "a", "users": ["b"], "on": True}),
    ("group.members_muted", {"operator": "a", "users": ["b"], "on": True}),
    ("group.members_allowed", {"operator": "a", "users": ["b"], "on": False}),
    ("group.extra_changed", {"operator": "a"}),
]

BAD: list[tuple[str, dict[Any, Any], str]] = [
    ("text", {}, "fields.text"),
    ("text", {"text": ""}, "fields.text"),
    ("text", {"text": 5}, "fields.text"),
    ("text", {"text": None}, "fields.text"),
    ("text", {"text": "x" * 10_001}, "fields.text"),
    ("text", {"text": "x", "colour": "red"}, "fields.colour"),
    ("text", {"text": "x", "quote": {"message": 71}}, "fields.quote.message"),
    ("text", {"text": "x", "quote": {"message": "71", "from": "b"}}, "fields.quote.from"),
    ("text", {"text": "x", "extra": "no object"}, "fields.extra"),
    ("image", {"url": "javascript:alert(1)"}, "fields.url"),
    ("image", {"url": "//elsewhere.example/a"}, "fields.url"),
    ("image", {"url": URL, "width": -1}, "fields.width"),
    ("image", {"url": URL, "width": 1.5}, "fields.width"),
    ("image", {"url": URL, "width": "640"}, "fields.width"),
    ("voice", {"url": URL}, "fields.duration_seconds"),
    ("voice", {"url": URL, "duration_seconds": -1}, "fields.duration_seconds"),
    ("location", {"latitude": 91, "longitude": 0}, "fields.latitude"),
    ("card", {"target": "bob", "kind": "robot"}, "fields.kind"),
    ("articles", {"articles": []}, "fields.articles"),
    ("articles", {"articles": [{"title": "x", "url": "ftp://a/b"}]}, "fields.articles[0].url"),
    ("articles", {"articles": [{"title": "x", "url": URL}] * 11}, "fields.articles"),
    ("notification", {"title": "x", "rows": [{"key": "k", "value": "v", "color": "red"}]}, "fields.rows[0].color"),
    ("group.members_added", {"operator": "a", "users": []}, "fields.users"),
    ("group.join_type_changed", {"operator": "a", "join_type": "whoever"}, "fields.join_type"),
]


def digest(name: str, fields: dict[str, Any], language: str) -> str:
    return TYPES[name].digest(Payload(name, fields), language)


@pytest.mark.parametrize(("name", "fields"), GOOD)
def test_payloads_that_satisfy_their_schema_are_accepted(name: str, fields: dict[str, Any]) -> None:
    TYPES[name].check(fields)


@pytest.mark.parametrize(("name", "fields", "where"), BAD)
def test_a_refusal_names_the_field(name: str, fields: dict[str, Any], where: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        TYPES[name].check(fields)

    assert refused.value.where == where
    assert refused.value.reason.startswith(f"{where}: ")


def test_every_type_has_an_accepted_example() -> None:
    assert {name for name, _ in GOOD} == set(TYPES)


def test_names_and_numbers_are_given_once() -> None:
    assert len(TYPES) == len(BUILT_IN)
    assert len({declared.number for declared in BUILT_IN}) == len(BUILT_IN)


def test_only_the_server_makes_notices() -> None:
    server_only = {name for name, declared in TYPES.items() if declared.sent_by_server_only}

    assert server_only == {"recalled"} | {name for name in TYPES if name.startswith("group.")}


def test_what_is_transient_or_a_notice_does_not_count_as_unread() -> None:
    uncounted = {name for name, declared in TYPES.items() if not declared.is_counted}

    assert uncounted >= {"typing", "streaming", "tip", "quiet-text", "recalled", "group.members_added"}
    assert {name for name, declared in TYPES.items() if not declared.is_stored} == {"typing", "streaming"}


@pytest.mark.parametrize(
    ("name", "fields", "zh", "en"),
    [
        ("text", {"text": "两行\n文本"}, "两行 文本", "两行 文本"),
        ("image", {"url": URL}, "[图片]", "[image]"),
        ("voice", {"url": URL, "duration_seconds": 3}, "[语音]", "[voice]"),
        ("file", {"url": URL, "name": "a.pdf"}, "[文件] a.pdf", "[file] a.pdf"),
        ("location", {"latitude": 0, "longitude": 0}, "[位置]", "[location]"),
        ("articles", {"articles": [{"title": "{x}", "url": URL}]}, "[文章] {x}", "[article] {x}"),
        ("text", {"text": "{text} {0} {}"}, "{text} {0} {}", "{text} {0} {}"),
        ("recalled", {"by": "bob"}, "bob 撤回了一条消息", "bob took a message back"),
        ("group.members_added", {"operator": "a", "users": ["a"]}, "a 加入了群聊", "a joined the group"),
        ("group.members_added", {"operator": "a", "users": ["b", "c"]}, "a 邀请 b、c 加入群聊", "a added b, c"),
        (
            "group.members_removed",
            {"operator": "a", "users": list("bcdef")},
            "a 将 b、c、d 等 5 人 移出群聊",
            "a removed b, c, d and 2 more",
        ),
        ("group.mute_all_changed", {"operator": "a", "on": True}, "a 开启了全员禁言", "a muted everyone"),
        ("group.mute_all_changed", {"operator": "a", "on": False}, "a 关闭了全员禁言", "a let everyone speak again"),
    ],
)
def test_digests_read_well_in_both_languages(name: str, fields: dict[str, Any], zh: str, en: str) -> None:
    assert digest(name, fields, "zh") == digest(name, fields, "zh-Hans-CN") == zh
    assert digest(name, fields, "en") == digest(name, fields, "") == en


@pytest.mark.parametrize("name", TYPES)
@pytest.mark.parametrize("language", ["zh", "en"])
def test_a_digest_never_fails_whatever_the_fields(name: str, language: str) -> None:
    for fields in ({}, {"articles": "none"}, {"articles": [1]}, {"users": 5}, {"text": ["a"]}):
        assert isinstance(digest(name, fields, language), str)


def test_direction_marks_cannot_disguise_a_file_name() -> None:
    assert digest("file", {"url": URL, "name": "\u202egpj.exe"}, "en") == "[file] gpj.exe"


emoji = st.sampled_from(["👍🏽", "👨‍👩‍👧‍👦", "🇨🇳", "🇩🇪", "é", "1️⃣", "🏴󠁧󠁢󠁥󠁮󠁧󠁿", "❤️‍🔥"])


@given(st.lists(st.one_of(emoji, st.characters(categories=["L", "N", "P"])), min_size=1).map(lambda p: p * 40))
def test_a_digest_is_short_and_ends_between_characters(parts: list[str]) -> None:
    text = "".join(parts)

    line = one_line(text)

    assert len(line) <= MAX_CHARACTERS
    if line != text:
        kept = line.removesuffix("…")
        ends = {sum(map(len, parts[:count])) for count in range(len(parts) + 1)}
        assert text.startswith(kept)
        assert len(kept) in ends


@given(st.text(max_size=1000))
def test_any_text_makes_one_encodable_line(text: str) -> None:
    line = one_line(text)

    line.encode()
    assert len(line) <= MAX_CHARACTERS
    assert not {"\n", "\r", "\t", "\u2028"} & set(line)


@given(
    st.dictionaries(st.text(max_size=8), st.recursive(st.none() | st.integers() | st.text(), st.lists, max_leaves=5))
)
def test_arbitrary_fields_are_refused_with_a_field_or_accepted(fields: dict[str, Any]) -> None:
    for declared in BUILT_IN:
        try:
            declared.check(fields)
        except InvalidInput as refused:
            assert refused.where is not None
            assert refused.where.startswith("fields")


def custom(*entries: Any) -> list[DeclaredType]:
    config = Config.model_validate({"custom": list(entries)})

    class Context:
        pass

    context = Context()
    context.config = config  # type: ignore[attr-defined]  # all of a context that the hook reads
    return Plugin().register_content_types(context)[len(BUILT_IN) :]  # type: ignore[arg-type, return-value]


def test_an_application_declares_types_of_its_own() -> None:
    [poll, ping] = custom("acme.poll", {"name": "x-ping", "stored": False, "counted": False, "digest_en": "{ping}"})

    poll.check({"question": "tea?", "options": ["yes", "no"]})
    assert (poll.is_counted, poll.is_stored, poll.number) == (True, True, 0)
    assert poll.digest(Payload("acme.poll", {"question": "tea?"}), "zh") == "[消息]"
    assert (ping.is_counted, ping.is_stored) == (False, False)
    assert ping.digest(Payload("x-ping"), "en") == "{ping}"


@pytest.mark.parametrize("name", ["poll", "text", "Acme.Poll", "acme.", "group.created", "a b.c"])
def test_names_of_custom_types_carry_a_prefix_and_are_free(name: str) -> None:
    with pytest.raises(ValidationError):
        Config.model_validate({"custom": [name]})
