"""Random streams: the same numbers everywhere, independent of one another, and evenly spread."""

from __future__ import annotations

from collections import Counter
from math import exp

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.streams import Stream


def words(seed: int, name: str, count: int = 40) -> list[int]:
    stream = Stream(seed, name)
    return [stream.word() for _ in range(count)]


def test_the_numbers_of_a_stream_never_change() -> None:
    # Whoever sees these fail has changed every run there ever was.
    assert words(7, "agent/a-01", 4) == [784024417, 803939216, 1038607885, 240449313]
    assert words(0, "", 2) == [882997441, 415170243]
    stream = Stream(7, "x")
    assert [stream.below(6) for _ in range(12)] == [0, 5, 3, 0, 2, 3, 5, 0, 2, 4, 1, 3]
    assert stream.between(-3, 3) == 0
    assert stream.uniform().hex() == "0x1.3a131a24ea499p-1"
    assert stream.exponential(2.0).hex() == "0x1.0717e51b43ce8p+3"
    assert stream.choice("abcdef") == "d"
    assert stream.sample(range(100), 5) == [99, 93, 39, 14, 55]
    assert not stream.chance(0.5)
    numbers = list(range(8))
    stream.shuffle(numbers)
    assert numbers == [3, 2, 5, 7, 0, 1, 6, 4]
    assert stream.position == 32


def test_seed_and_name_decide() -> None:
    assert words(1, "a") == words(1, "a")
    first = words(1, "a")
    for other in (words(2, "a"), words(1, "b"), words(11, "a"), words(1, "1/a")):
        assert not set(first) & set(other)


@given(st.integers(0, 200), st.integers(0, 40))
def test_position_goes_back_and_on(place: int, more: int) -> None:
    stream = Stream(3, "p")
    drawn = [stream.word() for _ in range(place)]
    assert stream.position == place
    ahead = [stream.word() for _ in range(more)]
    stream.position = place
    assert [stream.word() for _ in range(more)] == ahead
    stream.position = 0
    assert [stream.word() for _ in range(place)] == drawn
    other = Stream(3, "p")
    other.position = place
    assert [other.word() for _ in range(more)] == ahead


@given(st.integers(1, 2**32), st.integers(0, 2**64 - 1))
def test_below_stays_in_range(n: int, seed: int) -> None:
    stream = Stream(seed, "range")
    assert all(0 <= stream.below(n) < n for _ in range(20))


def test_below_is_even() -> None:
    stream = Stream(5, "dice")
    counts = Counter(stream.below(6) for _ in range(60_000))
    assert sorted(counts) == [0, 1, 2, 3, 4, 5]
    assert all(abs(count - 10_000) < 400 for count in counts.values())  # over four standard deviations


def test_below_is_even_where_words_do_not_divide() -> None:
    # Of 3·2³⁰ numbers a plain remainder would draw the lowest third twice as often.
    n = 3 << 30
    stream = Stream(5, "large")
    lowest = sum(stream.below(n) < n // 3 for _ in range(9_000))
    assert abs(lowest - 3_000) < 200


def test_what_cannot_be_drawn_is_refused() -> None:
    stream = Stream(1, "no")
    with pytest.raises(ValueError, match=r"at most 2\^32"):
        stream.below(2**32 + 1)
    with pytest.raises(ValueError, match="no number from 5 to 4"):
        stream.between(5, 4)
    with pytest.raises(ValueError, match="cannot draw 4 of 3"):
        stream.sample("abc", 4)
    with pytest.raises(ValueError, match="cannot draw -1"):
        stream.sample("abc", -1)
    with pytest.raises(IndexError):
        stream.choice("")
    assert stream.between(5, 5) == 5
    assert stream.below(2**32) < 2**32


def test_uniform_and_chance() -> None:
    stream = Stream(5, "u")
    drawn = [stream.uniform() for _ in range(20_000)]
    assert all(0.0 <= one < 1.0 for one in drawn)
    assert abs(sum(drawn) / len(drawn) - 0.5) < 0.01
    assert abs(sum(stream.chance(0.2) for _ in range(20_000)) - 4_000) < 240
    assert not any(stream.chance(0.0) for _ in range(1_000))
    assert all(stream.chance(1.0) for _ in range(1_000))


def test_exponential_has_its_mean_and_its_tail() -> None:
    stream = Stream(5, "e")
    drawn = [stream.exponential(3.0) for _ in range(20_000)]
    assert min(drawn) >= 0.0
    assert abs(sum(drawn) / len(drawn) - 3.0) < 0.1
    assert abs(sum(one > 6.0 for one in drawn) / len(drawn) - exp(-2)) < 0.01


@given(st.integers(0, 30), st.data())
def test_a_sample_has_no_doubles(size: int, data: st.DataObject) -> None:
    k = data.draw(st.integers(0, size))
    drawn = Stream(data.draw(st.integers(0, 99)), "s").sample(range(100, 100 + size), k)
    assert len(drawn) == len(set(drawn)) == k
    assert set(drawn) <= set(range(100, 100 + size))


def test_samples_and_shuffles_are_even() -> None:
    stream = Stream(5, "s")
    sampled = Counter(tuple(stream.sample("abc", 2)) for _ in range(6_000))
    shuffled: Counter[str] = Counter()
    for _ in range(6_000):
        letters = list("abc")
        stream.shuffle(letters)
        shuffled["".join(letters)] += 1
    for counts in (sampled, shuffled):
        assert len(counts) == 6
        assert all(abs(count - 1_000) < 130 for count in counts.values())
