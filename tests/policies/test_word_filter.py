"""The word filter covers up what the operator lists, before it is stored."""

from pathlib import Path

from balefire import Payload
from balefire.testing import next_event, start_platform
from balefire_word_filter import Config, WordFilter


def word_filter(*words: str, cover: str = "*") -> WordFilter:
    return WordFilter(Config(words=words, cover=cover))


async def test_listed_words_reach_nobody(tmp_path: Path) -> None:
    async with start_platform(tmp_path, plugins={"word-filter": {"words": ["darn", "讨厌"]}}) as platform:
        alice, bob = await platform.client("alice"), await platform.client("bob")

        await alice.send("private/bob", "Darn it, 真讨厌!")

        assert (await next_event(bob)).text == "**** it, 真**!"


def test_a_longer_word_is_covered_whole() -> None:
    amended = word_filter("ham", "hamster", cover="#").amend(Payload("text", {"text": "a hamster"}))

    assert amended is not None
    assert amended.fields == {"text": "a #######"}


def test_what_is_clean_is_left_alone() -> None:
    assert word_filter("darn", "").amend(Payload("text", {"text": "fine", "count": 3}, push_text="fine")) is None


def test_without_words_nothing_is_covered() -> None:
    assert word_filter().amend(Payload("text", {"text": "anything"})) is None


def test_signs_in_a_word_mean_themselves() -> None:
    amended = word_filter("a.b").amend(Payload("text", {"text": "a.b axb"}, push_text="a.b"))

    assert amended == Payload("text", {"text": "*** axb"}, push_text="***")
