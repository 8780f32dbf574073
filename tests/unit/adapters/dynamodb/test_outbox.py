"""Which item of a transaction has its event, and what is read from there."""

from collections.abc import Sequence
from typing import Any

import pytest

from tests.fakes.builders import NOW
from tests.fakes.events import TABLES
from tests.fakes.recorded import Commit, commits
from trading.adapters.dynamodb.entity_writes import write_of
from trading.adapters.dynamodb.names import EVENT_ATTRIBUTE
from trading.adapters.dynamodb.outbox import event_in, with_event
from trading.adapters.dynamodb.transactions import Write
from trading.domain.accounts.cash import Account
from trading.domain.accounts.position import Position
from trading.domain.ledger import Entry
from trading.domain.orders.order import Order
from trading.domain.posttrade.netting import Discharged, Obligation

LONGEST = 512
"""Characters. With more, some carriers would cost another write unit."""


def of_the_books(commit: Commit) -> bool:
    """Whether the books write this, and not the registry."""
    kinds = Order | Account | Position | Obligation | Entry | Discharged
    return all(isinstance(fact, kinds) for fact in commit.facts)


COMMITS = [commit for commit in commits() if of_the_books(commit)]


def written(facts: Sequence[Any]) -> list[Write]:
    return list(with_event(facts, [write_of(fact, TABLES) for fact in facts], NOW))


def carriers(facts: Sequence[Any]) -> list[tuple[Any, dict[str, Any]]]:
    """The facts whose items have an event, with these items."""
    return [
        (fact, write.item)
        for fact, write in zip(facts, written(facts), strict=True)
        if write.item is not None and EVENT_ATTRIBUTE in write.item
    ]


def test_the_event_is_in_one_item_and_is_read_as_it_was() -> None:
    with_one = 0
    for commit in COMMITS:
        found = carriers(commit.facts)
        if commit.event is None:
            assert found == [], commit
            continue
        [(_, item)] = found
        assert event_in(item) == commit.event.model_copy(update={"time": NOW})
        with_one += 1
    assert with_one > 50


def test_an_event_is_short() -> None:
    texts = [item[EVENT_ATTRIBUTE]["S"] for c in COMMITS for _, item in carriers(c.facts)]
    assert max(map(len, texts)) <= LONGEST


def test_entries_carry_only_what_is_written_with_them_alone() -> None:
    """They are kept for ever, and the event would be too."""
    for commit in COMMITS:
        for fact, _ in carriers(commit.facts):
            if isinstance(fact, Entry):
                assert all(isinstance(each, Entry | Discharged) for each in commit.facts)


@pytest.mark.parametrize(
    ("kinds", "carrier"),
    [
        ({Order, Account}, Account),
        ({Order, Account, Position}, Position),
        ({Order, Obligation}, Obligation),
        ({Account, Position}, Position),
        ({Order}, Order),
        ({Account}, Account),
    ],
    ids=["an accepted buy", "a fill", "clearing", "a settlement", "an order alone", "cash"],
)
def test_the_smallest_item_has_the_event(kinds: set[type], carrier: type) -> None:
    """A write costs by the kilobyte of the whole item."""
    found = [
        type(fact)
        for commit in COMMITS
        if {type(each) for each in commit.facts if not isinstance(each, Entry | Discharged)}
        == kinds
        for fact, _ in carriers(commit.facts)
    ]
    assert found
    assert set(found) == {carrier}
