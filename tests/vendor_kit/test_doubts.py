"""Devices of which a vendor says ambiguously that they are gone."""

from balefire import Doubts
from balefire.vendor_kit.doubts import REMEMBERED


def test_a_device_is_gone_when_it_has_failed_often_enough() -> None:
    doubts = Doubts(3)

    assert [doubts.is_gone("a") for _ in range(3)] == [False, False, True]
    assert not doubts.is_gone("b")


def test_a_success_clears_it() -> None:
    doubts = Doubts(2)
    doubts.is_gone("a")

    doubts.forget("a")
    doubts.forget("never seen")

    assert not doubts.is_gone("a")


def test_the_longest_unheard_of_is_forgotten() -> None:
    doubts = Doubts(2)
    for number in range(REMEMBERED + 1):
        doubts.is_gone(str(number))

    assert not doubts.is_gone("0")
    assert doubts.is_gone(str(REMEMBERED))
