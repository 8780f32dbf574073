"""Administering clients: whatever fails, a repeated request ends like one undisturbed request, and
limits and balances stay right.
"""

from collections.abc import Callable
from contextlib import nullcontext
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.fakes.builders import D, make_client, make_secret
from tests.fakes.faults import CrashError, Faults
from tests.fakes.office import NEW, OPERATOR, Office
from trading.domain import identifiers
from trading.domain.accounts.cash import Account
from trading.domain.accounts.transfers import NotWithdrawableError
from trading.domain.clients.client import ClientStatus, Limits
from trading.domain.clients.credentials import CredentialStatus
from trading.domain.clients.second_factor import SecondFactorRequiredError
from trading.domain.errors import DomainError
from trading.messages import CancelOrder
from trading.usecases.administration.administer_clients import (
    ClientExistsError,
    VersionConflictError,
)
from trading.usecases.administration.transfer_assets import (
    Cash,
    ReferenceReusedError,
    Shares,
)
from trading.usecases.orders.cancel_order import BY_SUSPENSION
from trading.usecases.ports import NotFoundError

LIMITS = Limits(margin_percent=D(50), credit_limit=D("700.00"), daily_trading_limit=D("9.00"))
DAY = timedelta(days=1)


REQUESTS: dict[str, Callable[[Office], object]] = {
    "create": lambda o: o.clients.create(NEW.model_copy(update={"client_id": "bob"}), OPERATOR),
    "suspend": lambda o: o.clients.suspend("alice", OPERATOR),
    "set-limits": lambda o: o.clients.set_limits("alice", LIMITS, 1, OPERATOR),
    "set-signing": lambda o: o.clients.set_signing("alice", True, OPERATOR),
    "rotate-secret": lambda o: o.clients.rotate_secret(
        "alice", next(iter(o.registry.credentials)), "r-1", DAY, OPERATOR
    ),
    "reissue-secret": lambda o: o.clients.rotate_secret(
        "alice", next(iter(o.registry.credentials)), "r-1", None, OPERATOR
    ),
    "rotate-leaked-secret": lambda o: o.clients.rotate_secret(
        "alice", next(iter(o.registry.credentials)), "r-1", timedelta(0), OPERATOR
    ),
    "disable-key": lambda o: o.keys.set_key(
        "alice", next(iter(o.registry.credentials)), CredentialStatus.INACTIVE, OPERATOR
    ),
    "disable": lambda o: o.keys.set_operator("anna", CredentialStatus.INACTIVE, OPERATOR),
    "disable-venue-key": lambda o: o.venue_keys.set_key(
        "XNYS", CredentialStatus.INACTIVE, OPERATOR
    ),
    "deposit": lambda o: o.transfers.deposit("alice", Cash(amount=D("5.00")), "ref", OPERATOR),
    "withdraw": lambda o: o.transfers.withdraw(
        "alice", Shares(symbol="AAPL", quantity=3), "ref", OPERATOR
    ),
    "halt": lambda o: o.halt("AAPL", False, OPERATOR),
}

ACTION = {"rotate-leaked-secret": "rotate-secret", "disable-venue-key": "disable-key"}
"""What the audit log calls a request."""


@pytest.mark.parametrize("name", REQUESTS)
@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
def test_repeating_a_request_repairs_a_crash_at_any_call(name: str, after: bool) -> None:
    undisturbed = Office().opened().with_open_order()
    before = len(undisturbed.faults.calls)
    REQUESTS[name](undisturbed)
    calls = undisturbed.faults.calls[before:]
    assert calls[0] == calls[-1] == "audit.write"
    for number, call in enumerate(calls, before + 1):
        office = Office().opened().with_open_order()
        (office.faults.after if after else office.faults.before)(number)
        with nullcontext() if call == "mailboxes.execution" else pytest.raises(CrashError):
            REQUESTS[name](office)
        announced = ACTION.get(name, name) in office.audit.actions()
        assert announced or office.state() == Office().opened().with_open_order().state(), call
        REQUESTS[name](office)
        assert office.state() == undisturbed.state(), call
        assert office.audit.actions()[-1] == undisturbed.audit.actions()[-1]
        assert office.findings() == []


@pytest.mark.parametrize("name", REQUESTS)
def test_a_repeated_request_changes_nothing(name: str) -> None:
    office = Office().opened().with_open_order()
    REQUESTS[name](office)
    once = office.state()
    REQUESTS[name](office)
    assert office.state() == once


@pytest.mark.parametrize("name", REQUESTS)
def test_a_commit_that_loses_a_race_is_tried_again(name: str) -> None:
    undisturbed, office = Office().opened(), Office().opened()
    REQUESTS[name](undisturbed)
    office.faults.stale(2)
    REQUESTS[name](office)
    assert office.faults.pending == 0
    assert office.state() == undisturbed.state()


def test_a_secret_is_returned_only_once() -> None:
    office = Office()
    first, again = (office.clients.create(NEW, OPERATOR) for _ in range(2))
    assert (first.secret, again.secret) == ("secret-1", None)
    assert first.credential.api_key == again.credential.api_key
    rotate = [
        office.clients.rotate_secret("alice", first.credential.api_key, "r-1", DAY, OPERATOR)
        for _ in range(2)
    ]
    assert [issued.secret for issued in rotate] == ["secret-3", None]
    assert office.registry.credentials[first.credential.api_key].secrets == (
        make_secret("hash-3"),
        make_secret("hash-1"),
    )


def test_a_client_cannot_be_created_twice() -> None:
    office = Office().opened()
    with pytest.raises(ClientExistsError):
        office.clients.create(NEW.model_copy(update={"fingerprint": "f-2"}), OPERATOR)
    assert list(office.registry.credentials) == [
        office.clients.show("alice").credentials[0].api_key
    ]


def test_a_repeated_creation_finds_the_random_key_of_the_first_one() -> None:
    office = Office()
    first, again = (office.clients.create(NEW, OPERATOR).credential.api_key for _ in range(2))
    assert first == again == "alice-1"
    assert list(office.registry.credentials) == [first]
    told = [details.get("api_key") for *_, details in office.audit.entries]
    assert told == [None, first, None, first]


def test_limits_based_on_an_older_version_are_refused() -> None:
    office = Office().opened()
    office.clients.suspend("alice", OPERATOR)
    with pytest.raises(VersionConflictError):
        office.clients.set_limits("alice", LIMITS, 1, OPERATOR)
    assert office.registry.clients["alice"].limits == NEW.limits
    assert office.clients.set_limits("alice", LIMITS, 2, OPERATOR).limits == LIMITS


def test_a_suspension_cancels_each_open_order() -> None:
    office = Office().opened().with_open_order()
    client, orders = office.clients.suspend("alice", OPERATOR)
    (message,) = office.mailboxes.waiting("execution")
    assert isinstance(message, CancelOrder)
    assert (client.status, orders) == (ClientStatus.INACTIVE, 1)
    (order,) = office.registry.orders(office.registry.account("alice").open_order_ids)
    assert (message.order_id, order.ending) == (order.order_id, BY_SUSPENSION)


@pytest.mark.parametrize(
    ("name", "ends"),
    [
        ("suspend", True),
        ("rotate-leaked-secret", True),
        ("reissue-secret", True),
        ("rotate-secret", False),
        ("set-limits", False),
        ("set-signing", False),
    ],
)
def test_the_tokens_of_a_key_end_with_its_secret_or_its_client(name: str, ends: bool) -> None:
    office = Office().opened()
    (key,) = office.registry.credentials
    REQUESTS[name](office)
    assert office.registry.credentials[key].generation == ends
    assert office.ended_tokens.generations == ({key: 1} if ends else {})


def test_an_activation_does_not_bring_tokens_back() -> None:
    office = Office().opened()
    (key,) = office.registry.credentials
    office.clients.suspend("alice", OPERATOR)
    office.clients.activate("alice", OPERATOR)
    assert office.registry.credentials[key].generation == 1
    office.clients.suspend("alice", OPERATOR)
    assert office.ended_tokens.generations == {key: 2}


def test_setting_limits_creates_a_missing_account() -> None:
    office = Office()
    office.registry.clients["alice"] = NEW
    office.transfers.deposit("alice", Cash(amount=D("1.00")), "ref", OPERATOR)
    assert office.registry.account("alice").credit_available == NEW.credit_limit


def test_a_repeated_deposit_from_before_costs_were_stored_is_recognized() -> None:
    office = Office().opened()
    (key,) = [
        key
        for key, entry in office.registry.items.items()
        if getattr(entry, "reference", None) == "shares"
    ]
    office.registry.items[key] = office.registry.items[key].model_copy(update={"cost": None})
    shares = Shares(symbol="AAPL", quantity=10, cost=D("1000.00"))
    assert office.transfers.deposit("alice", shares, "shares", OPERATOR)[1] is True
    with pytest.raises(ReferenceReusedError):
        office.transfers.deposit(
            "alice", shares.model_copy(update={"quantity": 11}), "shares", OPERATOR
        )


def test_a_suspension_suspends_the_account_of_a_client_that_is_inactive_already() -> None:
    office = Office().opened()
    client = office.registry.clients["alice"]
    office.registry.clients["alice"] = client.with_status(ClientStatus.INACTIVE)
    assert not office.registry.account("alice").suspended
    office.clients.suspend("alice", OPERATOR)
    assert office.registry.account("alice").suspended


def test_a_secret_is_issued_only_for_a_key_of_the_named_client() -> None:
    office = Office().opened()
    office.clients.create(NEW.model_copy(update={"client_id": "bob"}), OPERATOR)
    (bobs,) = office.clients.show("bob").credentials
    with pytest.raises(NotFoundError):
        office.clients.rotate_secret("alice", bobs.api_key, "r-1", DAY, OPERATOR)
    assert office.registry.credentials[bobs.api_key] == bobs


def test_a_change_that_fails_is_announced_and_not_done() -> None:
    office = Office().opened()
    before = len(office.audit.entries)
    with pytest.raises(VersionConflictError):
        office.clients.set_limits("alice", LIMITS, 99, OPERATOR)
    assert office.audit.actions()[before:] == ["set-limits"]


def test_a_deposit_with_another_cost_is_another_deposit() -> None:
    office = Office().opened()
    shares = Shares(symbol="AAPL", quantity=10, cost=D("1000.00"))
    for cost in (D("999.99"), None):
        with pytest.raises(ReferenceReusedError):
            office.transfers.deposit(
                "alice", shares.model_copy(update={"cost": cost}), "shares", OPERATOR
            )


amounts = st.integers(1, 30_000).map(lambda cents: Decimal(cents) / 100)
references = st.sampled_from(["a", "b", "c", "d", "e", "f"])
cash = amounts.map(lambda amount: Cash(amount=amount))
shares_in = st.builds(Shares, symbol=st.just("AAPL"), quantity=st.integers(1, 20), cost=amounts)
shares_out = st.builds(Shares, symbol=st.just("AAPL"), quantity=st.integers(1, 20))
steps = st.one_of(
    st.tuples(st.just("deposit"), cash | shares_in, references),
    st.tuples(st.just("withdraw"), cash | shares_out, references),
    st.tuples(st.just("limit"), amounts, st.just("")),
    st.tuples(st.just("hold"), st.tuples(amounts, amounts), st.just("")),
)


@given(st.lists(steps, max_size=25), st.data())
def test_any_sequence_of_administrative_acts_keeps_the_invariants(
    sequence: list[tuple[str, Any, str]], data: st.DataObject
) -> None:
    office = Office().opened()
    for kind, what, reference in sequence:
        if data.draw(st.booleans()):
            office.faults.after("books.commit", CrashError("the answer is lost"))
        try:
            _step(office, kind, what, reference)
        except (DomainError, CrashError):
            continue
        finally:
            office.faults = Faults()
            office.registry.faults = office.audit.faults = office.faults
    account, limits = office.registry.account("alice"), office.registry.clients["alice"].limits
    assert (
        account.credit_available + account.credit_held + account.credit_used == limits.credit_limit
    )
    assert account.available >= 0
    assert office.registry.position("alice", "AAPL").cost_basis >= 0
    assert [each for each in office.findings() if "orders hold" not in each.message] == []


def _step(office: Office, kind: str, what: Any, reference: str) -> None:
    if kind == "hold":
        _hold(office, office.registry.account("alice"), *what)
    elif kind == "limit":
        client = office.registry.clients["alice"]
        limits = client.limits.model_copy(update={"credit_limit": what})
        office.clients.set_limits("alice", limits, client.version, OPERATOR)
    else:
        getattr(office.transfers, kind)("alice", what, reference, OPERATOR)


def _hold(office: Office, account: Account, cash: Decimal, credit: Decimal) -> None:
    """The hold of an order, if the account can cover it."""
    if cash <= account.available and credit <= account.credit_available:
        office.registry.write(account.hold(cash, credit))


def protected(office: Office) -> None:
    """Let alice protect withdrawals, and give her cash."""
    office.registry.clients["alice"] = make_client(second_factor_to_withdraw=True)
    office.transfers.deposit("alice", Cash(amount=D("100.00")), "in", OPERATOR)


def test_a_protected_withdrawal_needs_a_code_of_the_client(office: Office) -> None:
    protected(office)
    cash = Cash(amount=D("1.00"))
    for withdraw in (
        lambda: office.transfers.withdraw("alice", cash, "out", OPERATOR),
        lambda: office.transfers.try_withdrawal("alice", cash, "out", None),
    ):
        with pytest.raises(SecondFactorRequiredError):
            withdraw()
    assert office.used_codes == []
    office.transfers.withdraw("alice", cash, "out", OPERATOR, code="123456")
    used = ("client/alice", "123456", identifiers.withdrawal_id("alice", "out"))
    assert office.used_codes == [used]
    assert office.transfers.try_withdrawal("alice", cash, "more", "654321") == (False, True)
    assert office.used_codes[1][1] == "654321"


def test_no_code_is_used_for_a_withdrawal_that_was_booked_or_is_not_made(office: Office) -> None:
    protected(office)
    cash = Cash(amount=D("1.00"))
    office.transfers.withdraw("alice", cash, "out", OPERATOR, code="123456")
    _, was_booked = office.transfers.withdraw("alice", cash, "out", OPERATOR)
    assert was_booked
    assert office.transfers.try_withdrawal("alice", cash, "out", None) == (True, False)
    with pytest.raises(NotWithdrawableError):
        office.transfers.withdraw("alice", Cash(amount=D("999.00")), "big", OPERATOR, code="1")
    office.transfers.deposit("alice", cash, "in-2", OPERATOR)
    assert len(office.used_codes) == 1
