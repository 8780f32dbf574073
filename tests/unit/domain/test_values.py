"""Values, identifiers, accounts, deposits, instruments."""

from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from tests.fakes.builders import NOW, TODAY, TOMORROW, D, make_client, make_instrument
from tests.unit.domain.strategies import amounts, prices
from trading.domain import identifiers
from trading.domain.accounts import transfers
from trading.domain.accounts.cash import Account
from trading.domain.accounts.position import Position
from trading.domain.errors import NegativeBalanceError
from trading.domain.ledger import LEDGER_ENTRY, netted, transfer
from trading.domain.values import Side, cents, cents_down, cents_up, iso

fractions = st.decimals(Decimal(0), Decimal(10**9), places=6)


@given(fractions)
def test_the_cent_functions_round_as_their_names_say(amount: Decimal) -> None:
    down, half, up = cents_down(amount), cents(amount), cents_up(amount)
    assert down <= half <= up <= down + D("0.01")
    assert down <= amount <= up
    assert abs(half - amount) <= D("0.005")


def test_half_a_cent_is_rounded_up() -> None:
    assert (cents(D("0.005")), cents_down(D("0.009")), cents_up(D("0.001"))) == (
        D("0.01"),
        D("0.00"),
        D("0.01"),
    )


@pytest.mark.parametrize("amount", [1.5, True])
def test_money_is_never_a_float(amount: Any) -> None:
    with pytest.raises(ValidationError, match="never a float"):
        Account(client_id="alice", available=amount)


def test_money_is_a_string_in_json() -> None:
    assert '"available":"0.10"' in Account(client_id="alice", available=D("0.10")).model_dump_json()


def test_unknown_fields_and_assignment_are_refused() -> None:
    with pytest.raises(ValidationError):
        Account(client_id="alice", balance=D(1))  # type: ignore[call-arg]
    with pytest.raises(ValidationError):
        Account(client_id="alice").available = D(1)  # type: ignore[misc]


def test_timestamps_sort_as_text() -> None:
    moment = datetime(2026, 11, 23, 10, 0, tzinfo=timezone(-timedelta(hours=5)))
    assert iso(moment) == "2026-11-23T15:00:00.000000Z"
    assert iso(datetime(2026, 11, 23, 15, 0, 0, 1, tzinfo=UTC)) > iso(moment)


def test_the_same_input_gives_the_same_id() -> None:
    assert identifiers.order_id("alice", "k") == identifiers.order_id("alice", "k")
    assert identifiers.order_id("alice", "k") != identifiers.order_id("bob", "k")
    assert identifiers.order_id("ab", "c") != identifiers.order_id("a", "bc"), (
        "the parts are separated"
    )
    assert identifiers.trade_id("XNYS", "1") != identifiers.trade_id("XNAS", "1")
    assert identifiers.deposit_id("alice", "r") != identifiers.order_id("alice", "r")


@given(st.text(), st.text(), st.integers(1, 999))
def test_a_childs_id_names_its_order_and_fits_the_wire_format(
    client_id: str, key: str, number: int
) -> None:
    order_id = identifiers.order_id(client_id, key)
    child = identifiers.child_order_id(order_id, number)
    assert identifiers.parent_order_id(child) == order_id
    assert len(child) <= 64


@pytest.mark.parametrize("foreign", ["whatever", "-1", "-"])
def test_a_foreign_child_id_never_names_an_empty_order(foreign: str) -> None:
    assert identifiers.parent_order_id(foreign)


def test_a_trade_its_novation_and_its_settlement_share_their_ids_number() -> None:
    trade_id = identifiers.trade_id("XNYS", "trd_ in a name")
    assert identifiers.clearing_id(trade_id) == "clr_" + trade_id[4:]
    assert identifiers.settlement_id(trade_id) == "stl_" + trade_id[4:]
    assert identifiers.settled_trade_id(identifiers.settlement_id(trade_id)) == trade_id


@given(amounts, amounts)
def test_a_released_hold_restores_the_balances(cash: Decimal, credit: Decimal) -> None:
    account = Account(client_id="alice", available=cash, credit_available=credit)
    held = account.hold(cash, credit)
    assert (held.available, held.held, held.total) == (0, cash, cash)
    assert held.release(cash, credit) == account


@pytest.mark.parametrize(
    "balance", ["available", "held", "unsettled", "credit_held", "credit_used"]
)
def test_no_balance_goes_below_zero(balance: str) -> None:
    account = Account(client_id="alice", available=D("1.00"), unsettled=D("1.00"))
    with pytest.raises(NegativeBalanceError):
        account.move(**{balance: D("-2.01")})


@given(
    st.lists(
        st.tuples(st.sampled_from(["hold", "deposit", "sale", "settle"]), amounts), max_size=20
    )
)
def test_settled_cash_is_held_before_proceeds_and_released_after_them(
    moves: list[tuple[str, Decimal]],
) -> None:
    account, settled, due = Account(client_id="alice"), D(0), D(0)
    for what, amount in moves:
        match what:
            case "hold" if amount <= account.available_to_trade:
                account, settled = account.hold(amount, D(0)), settled - amount
            case "deposit":
                account, settled = account.move(available=amount), settled + amount
            case "sale":
                account, due = account.move(unsettled=amount), due + amount
            case "settle" if amount <= due:
                account = account.move(available=amount, unsettled=-amount)
                settled, due = settled + amount, due - amount
        used = max(-settled, D(0))
        assert (account.available, account.unsettled, account.unsettled_used) == (
            max(settled, D(0)),
            due - used,
            used,
        )
        assert account.total == settled + due + account.held
        assert min(account.available, account.unsettled, account.available_to_trade) >= 0
    released = account.release(account.held, D(0))
    assert (released.held, released.unsettled_used) == (0, 0)


def test_an_account_that_uses_no_proceeds_omits_the_field() -> None:
    account = Account(client_id="alice", unsettled=D("5.00"))
    assert "unsettled_used" not in account.model_dump()
    used = account.hold(D("4.00"), D(0))
    assert Account.model_validate(used.model_dump()).unsettled_used == D("4.00")


def test_only_the_available_credit_may_be_negative() -> None:
    assert Account(client_id="alice").move(credit_available=D("-1.00")).credit_available == D(
        "-1.00"
    )


@pytest.mark.parametrize("balance", ["available", "held"])
def test_a_position_cannot_be_negative(balance: str) -> None:
    with pytest.raises(NegativeBalanceError):
        Position(client_id="alice", symbol="AAPL").move(**{balance: -1})


def test_the_daily_notional_starts_at_zero_each_day_and_never_goes_below() -> None:
    account = Account(client_id="alice").count_notional(TODAY, D("100.00"))
    assert account.notional_on(TOMORROW) == 0
    assert account.count_notional(TODAY, D("-150.00")).notional_today == 0
    tomorrow = account.count_notional(TOMORROW, D("30.00"))
    assert (tomorrow.notional_on(TODAY), tomorrow.notional_on(TOMORROW)) == (0, D("30.00"))
    assert tomorrow.count_notional(TODAY, D("-100.00")) == tomorrow
    assert tomorrow.count_notional(date(2026, 11, 20), D("100.00")) == tomorrow


def test_deposits_balance_and_have_one_id_for_each_reference() -> None:
    account, cash = transfers.deposit_cash(Account(client_id="alice"), D("100.00"), "wire-1", NOW)
    position, shares = transfers.deposit_shares(
        Position(client_id="alice", symbol="AAPL"), 5, D("450.00"), "in-1", NOW
    )
    assert (account.available, position.available, position.cost_basis) == (
        D("100.00"),
        5,
        D("450.00"),
    )
    assert cash.trade_id == identifiers.deposit_id("alice", "wire-1") != shares.trade_id
    assert {(p.account, p.amount) for p in cash.postings} == {
        ("client:alice", D(100)),
        ("depository", D(-100)),
    }
    assert {(p.account, p.asset, p.amount) for p in shares.postings} == {
        ("client:alice", "AAPL", D(5)),
        ("depository", "AAPL", D(-5)),
    }
    assert LEDGER_ENTRY.validate_json(cash.model_dump_json()) == cash


def test_netting_leaves_one_nonzero_posting_for_each_account_and_asset() -> None:
    postings = netted(
        transfer("USD", "a", "b", D(5)),
        transfer("USD", "a", "b", D(2)),
        transfer("USD", "c", "c", D(1)),
    )
    assert {(p.account, p.amount) for p in postings} == {("a", D(-7)), ("b", D(7))}


@pytest.mark.parametrize("tick", ["0", "-0.01", "0.001", "0.015"])
def test_ticks_are_whole_cents(tick: str) -> None:
    with pytest.raises(ValidationError, match=r"multiple of 0\.01"):
        make_instrument(tick_size=D(tick))


@given(prices, st.sampled_from(["0.01", "0.05", "0.25"]), st.sampled_from(Side))
def test_the_worst_price_of_a_market_order_is_the_tick_next_to_the_collar(
    reference: Decimal, tick: str, side: Side
) -> None:
    instrument = make_instrument(reference_price=reference, tick_size=D(tick))
    worst = instrument.market_protection_price(side)
    assert instrument.is_on_tick(worst)
    assert worst >= D(tick)
    if side is Side.BUY and worst > D(tick):
        assert worst <= reference * D("1.04")
    if side is Side.SELL:
        assert worst >= reference * D("0.96")
    assert abs(worst - reference * (1 + side.sign * D("0.04"))) <= D(tick)


@pytest.mark.parametrize(
    "changes",
    [
        {"margin_percent": D(0)},
        {"margin_percent": D(101)},
        {"credit_limit": D(-1)},
        {"daily_trading_limit": D(0)},
    ],
)
def test_impossible_client_limits_are_refused(changes: dict[str, Decimal]) -> None:
    with pytest.raises(ValidationError):
        make_client(**changes)


@pytest.mark.parametrize(
    "text", ["1e3", "1_000", "NaN", "Infinity", " 1", "١", "1.", ".5", "1" * 21]
)
def test_text_that_is_no_plain_decimal_is_refused_as_money(text: str) -> None:
    with pytest.raises(ValidationError):
        Account.model_validate({"client_id": "alice", "available": text})


@pytest.mark.parametrize(
    "amount",
    [10**30, -(10**21), D("1e21"), D("1e-21"), "1" * 20 + "." + "1" * 19, D("1." + "1" * 38)],
)
def test_money_that_cannot_be_stored_is_refused(amount: Any) -> None:
    with pytest.raises(ValidationError):
        Account.model_validate({"client_id": "alice", "unsettled": amount})


def test_money_has_at_least_two_decimals() -> None:
    account = Account.model_validate({"client_id": "alice", "available": "5", "held": "0.0050"})
    assert (str(account.available), str(account.held)) == ("5.00", "0.0050")
