"""Templates by strangers: what they can say, and what they can not do."""

import time
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from balefire import InvalidInput
from balefire_incoming_hooks.allowance import MAX_TEMPLATE
from balefire_incoming_hooks.rendering import MAX_TEXT, Occasion, Templates

PAYLOAD: dict[str, Any] = {
    "text": "hello",
    "nothing": None,
    "yes": True,
    "deep": {"items": [1, 2], "none": None},
    "list": [{"n": 1, "name": "one"}, {"n": 2, "name": None}],
    "big": "x" * (1 << 20),
    "at": "2026-03-01T08:30:00Z",
    "commit": "3f9a1c07d2be5586e04b7a19c35df8e2607b41aa",
}


def rendered(template: str, payload: Any = PAYLOAD, **occasion: Any) -> str:
    return Templates(template).render(Occasion(payload, **occasion))


@pytest.mark.parametrize(
    ("template", "text"),
    [
        ("{{ text }} {{ payload.text }}", "hello hello"),
        ("a{{ missing }}b{{ missing.deeper[3].still }}c", "abc"),
        ("a{{ nothing }}b{{ nothing.deeper }}c{{ deep.none | upper }}d", "abcd"),
        ("{{ nothing | default('instead') }} {{ nothing is defined }}", "instead false"),
        ("{{ deep.items }} {{ deep.items[1] }} {{ yes }}", "[1, 2] 2 true"),
        ("{% for x in list %}{{ loop.index }}{{ x.name }}{{ ',' if not loop.last }}{% endfor %}", "1one,2"),
        ("{{ list | join(' + ', 'name') }} {{ list | sum('n') }} {{ list | plural('thing') }}", "one 3 2 things"),
        ("{{ '你好世界你好' | truncate(4) }}", "你好世…"),
        (
            "{{ '一👩‍👩‍👧‍👦二' | truncate(5) }}{{ 'word' | truncate(3, '') }}{{ 'word' | truncate(3, '...') }}",
            "一…wo...",
        ),
        ("{{ 'first\nsecond' | first_line }}", "first"),
        (
            "{{ text | link('https://a.example/b') }} {{ text | link('javascript:x') }}",
            "hello (https://a.example/b) hello",
        ),
        (
            "{{ at | datetime('%d.%m. %H:%M', 'Asia/Shanghai') }} {{ 1772353800 | datetime }}",
            "01.03. 16:30 2026-03-01 08:30",
        ),
        ("{{ commit | sha }} {{ '000000' | sha }}{{ 'refs/heads/a/b' | branch }}", "3f9a1c0 a/b"),
        ("{{ 'a_b' | words }} {{ text | replace('l', 'L') }} {{ 'a b' | urlencode }}", "a b heLLo a%20b"),
        ("{{ text.upper() }} {{ 'x' in text }} {{ text[1:3] }} {{ 1 + 2 }} {{ text ~ 1 }}", "HELLO false el 3 hello1"),
        ("{{ ''.__class__.__mro__ }}{{ text.__init__.__globals__ }}{{ text.format }}", ""),
        ("one\n{{ missing }}\ntwo", "one\ntwo"),
        ("one\n\n{{ missing }}\ntwo", "one\n\n\ntwo"),
        ("{{ 'bell\x07 nul\x00 tab\tend' }}", "bell nul tab\tend"),
    ],
)
def test_templates_say_what_is_there_and_nothing_for_what_is_not(template: str, text: str) -> None:
    assert rendered(template) == text


@pytest.mark.parametrize(
    "template",
    [
        "{% for a in range(9000) %}{% for b in range(9000) %}{% endfor %}{% endfor %}",
        "{% for a in range(9999) %}{{ big | upper | length }}{% endfor %}",
        "{% for a in range(9999) %}{% set b = big ~ a %}{% endfor %}",
        "{{ 9 ** 9 ** 9 }}",
        "{{ 'x' * 10 ** 9 }}",
        "{{ '%999999999d' % 1 }}",
        "{{ big ~ big }}",
        "{{ [big, big] | tojson }}",
        "{{ [big, big] }}",
        "{{ big | replace('x', big) }}",
        "{{ [1, 2, 3] | join(big) }}",
        "{{ [" + "big[1:], " * 1000 + "1] | length }}",
        "{% macro m() %}{{ m() }}{{ m() }}{% endmacro %}{{ m() }}",
        "{% for x in [[[]]] recursive %}{{ loop(x) }}{% endfor %}",
        "{% set x %}{{ big }}{% endset %}",
        "{% include 'x' %}",
        "{{ text.format(1) }}",
        "{{ cycler(1) }}",
        "{{ lipsum(9) }}",
        "{{ " + "(" * 5000 + "1" + ")" * 5000 + " }}",
        "{{ " + "-" * 5000 + "1 }}",
        "x" * (MAX_TEMPLATE + 1),
        "{{ unfinished",
        "{{ 1e400 | int }}",
        "{{ " + "9" * 5000 + " }}",
        "{% for x in 5 %}{% endfor %}",
        "{{ at | datetime('%H', 'Nowhere/Land') }}",
        "{{ text | no_such_filter }}",
    ],
)
def test_templates_can_not_take_the_server_with_them(template: str) -> None:
    began = time.process_time()
    with pytest.raises(InvalidInput) as caught:
        rendered(template)

    assert caught.value.where is not None
    assert caught.value.where.startswith("template")
    assert time.process_time() - began < 10


def test_long_texts_are_cut_by_characters() -> None:
    text = rendered("{{ big }}", {"big": "火" * 100_000})

    assert len(text) == MAX_TEXT
    assert text.endswith("火…")


def test_a_templates_clock_runs_out() -> None:
    template = Templates("{% for a in range(9999) %}{{ a }}{% endfor %}")

    with pytest.raises(InvalidInput, match="too long"):
        template.render(Occasion({}), seconds=0.0)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda children: st.lists(children, max_size=4) | st.dictionaries(st.text(max_size=8), children, max_size=4),
    max_leaves=20,
)
EXPRESSION = st.sampled_from(
    ["a", "a.b", "a[0]", "payload.c", "items", "values", "keys", "get", "loop", "self", "range", "event", "headers"]
)
FILTER = st.sampled_from(
    (
        *("", "|join", "|first", "|truncate(5)", "|sum", "|plural('x')", "|datetime", "|sha", "|tojson", "|length"),
        *("|sort", "|map('upper')|list", "|groupby('a')", "|dictsort", "|selectattr('a')|list", "|int", "|round"),
    )
)


@settings(max_examples=300, deadline=None)
@given(payload=JSON, expression=EXPRESSION, filter_=FILTER)
def test_any_payload_meets_any_template_with_a_text_or_a_reason(payload: Any, expression: str, filter_: str) -> None:
    try:
        text = rendered(
            f"{{{{ {expression}{filter_} }}}}{{% for x in {expression} %}}{{{{ x }}}}{{% endfor %}}", payload
        )
    except InvalidInput as error:
        assert error.reason
    else:
        assert len(text) <= MAX_TEXT


@settings(max_examples=300, deadline=None)
@given(template=st.text(alphabet="{}%| ab.[]()'\"~+-*/0\n", max_size=60))
def test_any_template_gives_a_text_or_a_reason(template: str) -> None:
    try:
        Templates(template).render(Occasion(PAYLOAD))
    except InvalidInput as error:
        assert error.reason
