"""Every commit that moves an account or a position is told as an event of the account.

Otherwise a client who follows the account would not see that something changed.
"""

import pytest

from tests.fakes.every_commit import USE_CASES
from tests.fakes.recorded import commits
from tests.unit.usecases.test_guarded_reads import committing
from trading.domain.accounts.cash import Account
from trading.domain.accounts.position import Position
from trading.domain.clients.client import Client
from trading.domain.events import AggregateKind
from trading.domain.ledger import Entry
from trading.domain.orders.order import Order
from trading.domain.reference.instruments import Exchange, Instrument

KEPT = (Account, Client, Entry, Order, Instrument, Exchange)
SITES = sorted(name for path in USE_CASES.rglob("*.py") for name in committing(path))
TOLD_TO_NOBODY = {
    "administration/administer_clients:AdministerClients._rotate",
    "administration/administer_clients:AdministerClients._with_ended_tokens",
    "administration/administer_keys:AdministerKeys._change",
    "administration/second_person:SecondPerson._kept",
    "administration/second_person:SecondPerson._write",
}
"""They write API keys and proposals. Neither is a fact of the books."""


@pytest.mark.parametrize("site", SITES)
def test_what_moves_an_account_or_a_position_is_an_event_of_the_account(site: str) -> None:
    mine = [commit for commit in commits() if commit.site == site]
    assert mine, "a commit that no scenario reaches"
    for commit in mine:
        owners = {fact.client_id for fact in commit.facts if isinstance(fact, (Account, Position))}
        if owners:
            assert commit.event is not None
            assert commit.event.aggregate.kind is AggregateKind.ACCOUNT
            assert {commit.event.aggregate.id} == owners
            assert commit.event.data.balance is not None


@pytest.mark.parametrize("site", SITES)
def test_every_fact_of_the_books_has_an_event(site: str) -> None:
    told = {
        commit.event is not None
        for commit in commits()
        if commit.site == site and any(isinstance(fact, KEPT) for fact in commit.facts)
    }
    assert told == (set() if site in TOLD_TO_NOBODY else {True})


@pytest.mark.parametrize("site", SITES)
def test_no_transaction_changes_two_accounts(site: str) -> None:
    """An event has one sequence."""
    for commit in commits():
        if commit.site == site:
            assert sum(isinstance(fact, Account) for fact in commit.facts) <= 1
