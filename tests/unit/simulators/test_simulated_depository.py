from collections import defaultdict
from datetime import date
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from simulators.behaviour import DepositoryBehaviour
from simulators.depository import confirm, movements
from tests.unit.simulators.builders import DICE, NOW
from trading.wire import ConfirmationStatus, DeliveryDirection, SettlementInstruction

instructions = st.builds(
    SettlementInstruction,
    instruction_id=st.text("abcdef0123456789", min_size=1, max_size=32),
    settlement_account=st.just("OMNIBUS-1"),
    counterparty=st.just("CCP"),
    direction=st.sampled_from(DeliveryDirection),
    symbol=st.just("AAPL"),
    quantity=st.integers(1, 10_000),
    amount=st.integers(0, 10**9).map(lambda cents: Decimal(cents) / 100),
    currency=st.just("USD"),
    settlement_date=st.just(date(2026, 1, 6)),
)


@given(instructions)
def test_delivery_versus_payment_moves_shares_one_way_and_cash_the_other(
    instruction: SettlementInstruction,
) -> None:
    totals: dict[str, Decimal] = defaultdict(Decimal)
    ours: dict[str, Decimal] = defaultdict(Decimal)
    for movement in movements(instruction):
        totals[movement.asset] += movement.amount
        if movement.account == instruction.settlement_account:
            ours[movement.asset] += movement.amount
    assert set(totals.values()) == {Decimal(0)}
    sign = 1 if instruction.direction is DeliveryDirection.RECEIVE else -1
    assert ours == {"AAPL": sign * instruction.quantity, "USD": -sign * instruction.amount}


@given(instructions)
def test_the_confirmation_repeats_the_instruction(instruction: SettlementInstruction) -> None:
    confirmation = confirm(instruction, DepositoryBehaviour(), DICE, NOW)
    common = {
        "instruction_id",
        "direction",
        "symbol",
        "quantity",
        "amount",
        "currency",
        "settlement_date",
    }
    assert confirmation.model_dump(include=common) == instruction.model_dump(include=common)
    assert (confirmation.status, confirmation.reason) == (ConfirmationStatus.SETTLED, None)


@given(instructions)
def test_a_seeded_failure_has_a_reason(instruction: SettlementInstruction) -> None:
    confirmation = confirm(instruction, DepositoryBehaviour(fail_rate=Decimal(1)), DICE, NOW)
    assert confirmation.status is ConfirmationStatus.FAILED
    lacking = "securities" if instruction.direction is DeliveryDirection.RECEIVE else "cash"
    assert confirmation.reason == f"the counterparty lacks {lacking}"
