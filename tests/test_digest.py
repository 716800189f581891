"""The running digest: the same for the same events, however the run was cut; another for any other event."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from engine.digest import BLOCK, RECORD, Digest
from engine.events import Kind
from tests.engine_fixtures import hive


def record(number: int, *, time: int = 0, target: int = 1, source: int = 2, kind: int = 0) -> bytes:
    return RECORD.pack(time, number, target, source, kind)


def digest_of(records: list[bytes], folds: set[int]) -> str:
    digest = Digest()
    for at, one in enumerate(records):
        digest.pending += one
        if at in folds:
            digest.fold()
    return digest.hexdigest()


def test_it_never_changes() -> None:
    # Whoever sees this fail has made every recorded digest worthless.
    digest = Digest()
    for number in range(3_000):
        digest.pending += record(number, time=number * 7)
    digest.command(21_000, "crash a-1")
    assert digest.hexdigest() == "9053a34a314ebef0a45fa7ba6d6f29ea"
    assert Digest().hexdigest() == "cae66941d9efbd404e4d88758ea67670"


@settings(max_examples=25)
@given(st.sets(st.integers(0, 2_999)))
def test_it_does_not_matter_when_it_is_folded(folds: set[int]) -> None:
    records = [record(number) for number in range(3_000)]
    assert digest_of(records, folds) == digest_of(records, set())


def test_every_part_of_an_event_counts() -> None:
    events = [
        record(1),
        record(2),
        record(1, time=1),
        record(1, target=0),
        record(1, source=0),
        record(1, kind=int(Kind.LOST)),
    ]
    assert len({digest_of([record(0), one], set()) for one in events}) == len(events)
    assert digest_of([record(1), record(2)], set()) != digest_of([record(2), record(1)], set())


def test_asking_changes_nothing() -> None:
    asked, silent = Digest(), Digest()
    for number in range(2_500):
        asked.pending += record(number)
        silent.pending += record(number)
        if number % 700 == 0:
            asked.hexdigest()
    assert asked.hexdigest() == asked.hexdigest() == silent.hexdigest()


def test_it_stays_small() -> None:
    digest = Digest()
    for number in range(5_000):
        digest.pending += record(number)
    digest.fold()
    assert len(digest.pending) < BLOCK


def test_state_in_the_middle_of_a_block() -> None:
    digest = Digest()
    for number in range(1_500):
        digest.pending += record(number)
    digest.fold()  # one block is hashed, the rest waits
    state = digest.state()
    other = Digest()
    other.load(state)
    for number in range(1_500, 3_000):
        digest.pending += record(number)
        other.pending += record(number)
    assert other.hexdigest() == digest.hexdigest()
    back = digest
    back.load(state)
    assert back.hexdigest() != other.hexdigest()


def test_the_text_of_a_command_counts() -> None:
    digests = set()
    for text in ("crash a-1", "crash a-2", "crash a-é"):
        digest = Digest()
        digest.command(5, text)
        digests.add(digest.hexdigest())
    assert len(digests) == 3


def test_a_run_step_by_step_has_the_digest_of_a_run_in_one_go() -> None:
    whole, stepped = hive(), hive()
    whole.run(events=2_500)
    while stepped.events < 2_500:
        assert stepped.step()
    assert stepped.digest == whole.digest
    assert hive(seed=2).digest == hive(seed=1).digest  # of no events
    other = hive(seed=2)
    other.run(events=2_500)
    assert other.digest != whole.digest


def test_asking_a_run_for_its_digest_changes_nothing() -> None:
    whole, asked = hive(), hive()
    whole.run(events=2_200)
    for _ in range(22):
        asked.run(events=100)
        assert len(asked.digest) == 32
    assert asked.digest == whole.digest
