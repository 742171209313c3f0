"""Ids rise, whatever the clock does."""

import threading
from itertools import pairwise

import hypothesis.strategies as st
import pytest
from hypothesis import given, settings

from balefire.ids import EPOCH_MS, IdSequence, made_at_ms, node_of

clocks = st.lists(st.integers(0, EPOCH_MS + 2**40), min_size=1, max_size=20)
nodes = st.integers(0, 127)


@settings(deadline=None, max_examples=40)
@given(node=nodes, times=clocks, counts=st.lists(st.integers(1, 40_000), min_size=1, max_size=4))
def test_ids_rise_strictly_however_the_clock_jumps(node: int, times: list[int], counts: list[int]) -> None:
    readings = iter(times * len(counts))
    ids = IdSequence(node, now_ms=lambda: next(readings))

    taken = [id_ for count in counts for id_ in ids.take(count)]

    assert len(taken) == sum(counts)
    assert all(earlier < later for earlier, later in pairwise(taken))
    assert {node_of(id_) for id_ in taken} == {node}
    assert 0 < taken[-1] < 2**63


@settings(deadline=None)
@given(node=nodes, other=nodes, count=st.integers(1, 40_000), now=st.integers(EPOCH_MS, EPOCH_MS + 2**40))
def test_ids_start_above_the_floor(node: int, other: int, count: int, now: int) -> None:
    floor = IdSequence(other, now_ms=lambda: now).take(count)[-1]

    assert IdSequence(node, now_ms=lambda: now - 1000, floor=floor).take()[0] > floor


@settings(deadline=None)
@given(nodes=st.lists(nodes, min_size=2, max_size=5, unique=True), counts=st.lists(st.integers(1, 3000), max_size=4))
def test_nodes_never_give_out_the_same_id(nodes: list[int], counts: list[int]) -> None:
    sequences = [IdSequence(node, now_ms=lambda: EPOCH_MS + 5) for node in nodes]

    taken = [id_ for count in counts for ids in sequences for id_ in ids.take(count)]

    assert len(taken) == len(set(taken))


def test_an_id_tells_when_it_was_made() -> None:
    assert made_at_ms(IdSequence(3, now_ms=lambda: EPOCH_MS + 12_345).take()[0]) == EPOCH_MS + 12_345


def test_a_lower_floor_changes_nothing() -> None:
    ids = IdSequence(0, now_ms=lambda: EPOCH_MS + 100)
    (last,) = ids.take()
    ids.raise_above(5)

    assert ids.take()[0] == last + 1


def test_threads_share_a_sequence() -> None:
    ids = IdSequence(0, now_ms=lambda: EPOCH_MS)
    taken: list[int] = []

    def take_often() -> None:
        for _ in range(200):
            taken.extend(ids.take(7))

    threads = [threading.Thread(target=take_often) for _ in range(4)]

    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(set(taken)) == 4 * 200 * 7


@pytest.mark.parametrize("node", [-1, 128])
def test_a_node_outside_its_seven_bits_is_refused(node: int) -> None:
    with pytest.raises(ValueError, match="must be 0 to 127"):
        IdSequence(node, now_ms=lambda: 0)


def test_the_end_of_time_is_an_error_rather_than_a_negative_id() -> None:
    with pytest.raises(OverflowError, match="2094"):
        IdSequence(0, now_ms=lambda: EPOCH_MS + 2**41).take()
