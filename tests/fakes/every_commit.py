"""Scenarios that reach every commit of the use cases. Each begins in a world of its own."""

import sys
from datetime import timedelta
from pathlib import Path
from types import FrameType

import pytest

from tests.fakes import world as fake_world
from tests.fakes.builders import TOMORROW, D, make_client, make_instrument, make_secret
from tests.fakes.registry import MemoryAudit, MemoryEndedTokens, MemoryRegistry
from tests.fakes.scenario import new_world, play
from tests.fakes.second_factors import MemorySecondFactors
from tests.fakes.venues import MemoryLastPrices
from tests.fakes.world import World
from tests.unit.usecases.posttrade.cleared import cleared
from trading import usecases
from trading.domain import identifiers
from trading.domain.accounts.advances import Closure
from trading.domain.accounts.transfers import deposit_shares
from trading.domain.clients.client import Limits
from trading.domain.clients.credentials import CredentialStatus
from trading.domain.clients.proposals import ProposedChange, SecondPersonRule
from trading.domain.errors import NegativeBalanceError
from trading.domain.ledger import Reversal
from trading.domain.orders.order import Order
from trading.domain.values import Side
from trading.messages import ExecuteOrder
from trading.usecases.administration.administer_clients import AdministerClients
from trading.usecases.administration.administer_keys import AdministerKeys
from trading.usecases.administration.administer_venue_keys import AdministerVenueKeys
from trading.usecases.administration.close_advance import CloseAdvance
from trading.usecases.administration.halt_instrument import HaltInstrument
from trading.usecases.administration.operator_actions import Operator, TriedOut
from trading.usecases.administration.reset_second_factor import ResetSecondFactor
from trading.usecases.administration.second_person import ChangeRequest, SecondPerson
from trading.usecases.administration.transfer_assets import Cash, Shares, TransferAssets
from trading.usecases.ports import OutcomeUnknownError
from trading.wire import ExecType

USE_CASES = Path(str(usecases.__file__)).parent
OPERATOR = Operator(name="operations", who="operations", reason="ticket 4711")
ANOTHER = Operator(name="another", who="another", reason="ticket 4711")


def world_over(books: type[MemoryRegistry]) -> World:
    """The world of `new_world`, over these books."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(fake_world, "MemoryBooks", books)
        return new_world()


def use_case_frames() -> list[FrameType]:
    """The frames of use cases that lead here, innermost first."""
    frame: FrameType | None = sys._getframe(1)
    found = []
    while frame is not None:
        path = Path(frame.f_code.co_filename)
        if path.is_relative_to(USE_CASES) and path.stem != "retrying":
            found.append(frame)
        frame = frame.f_back
    return found


def trade(world: World) -> None:
    """Orders, executions, the close and settlement, as in `test_crash_everywhere.py`."""
    play(world)


def replace_and_cancel(world: World) -> None:
    """A replacement takes over, and another is canceled while it is pending. Both sides."""
    for side, quantity in ((Side.BUY, 10), (Side.SELL, 20)):
        first = world.placed(f"first {side}", side=side, quantity=quantity)
        second = world.replace(first, f"second {side}", quantity=quantity + 1)
        world.run()
        world.replace(world.current(second), f"third {side}", quantity=quantity + 2)
        world.request_cancel("alice", second.order_id)
        world.placed(f"fourth {side}", side=side, quantity=quantity)
        world.run()
        world.request_cancel.all("alice")
        world.run()


def reach_an_exchange_in_sequence(world: World) -> None:
    """An order waits for a halted instrument, and its successor is sent with it."""
    opens = world.now.replace(hour=14, minute=30)
    world.now = opens - timedelta(hours=1)
    waiting, other = world.order("waits"), world.order("also waits")
    world.books.instruments["AAPL"] = make_instrument(tradable=False)
    world.now = opens
    for order in (waiting, other):
        world.handle(ExecuteOrder(**ids(order)))
    world.books.instruments["AAPL"] = make_instrument()
    world.books.commit(make_instrument(symbol="PEP", version=0))
    world.handle(ExecuteOrder(**ids(other)), redelivered=True)


def refuse_reports(world: World) -> None:
    """Executions of an unknown order, of too many shares, and of an order that is over."""
    order = world.placed(quantity=100)
    report = world.fill(order, 40)
    world.report(report.model_copy(update={"client_order_id": "unknown", "execution_id": "e-9"}))
    world.report(report.model_copy(update={"last_quantity": 41}))
    unknown = {"exec_type": ExecType.OTHER, "execution_id": "e-10"}
    world.report(report.model_copy(update=unknown))


def correct_executions(world: World) -> None:
    """A correction before and after clearing, one that is parked first, and one that is wrong."""
    order = world.placed("corrected", quantity=100)
    child = f"{order.order_id}-1"
    world.fill(order, 40)
    world.report(world.exchanges.correct(child, f"{child}-1", 30, "99.00"))
    late = world.exchanges.fill(child, 60, "99.00")
    world.report(world.exchanges.bust(child, late.execution_id))
    world.report(late)
    bust = world.exchanges.bust(child, f"{child}-1c")
    world.report(bust.model_copy(update={"reference_execution_id": "x", "execution_id": "y"}))
    world.advance(minutes=2)
    world.sweep()
    world.run()
    _, cleared_trade = cleared(world, "cleared")
    fill = world.books.fill(cleared_trade)
    assert fill is not None
    name = f"{fill.order_id}-1"
    world.report(world.exchanges.correct(name, fill.execution_id, fill.quantity, "99.00"))


def execute_late(world: World) -> None:
    """One order is filled after its run has ended, and another when no run can start."""
    orders = [world.placed("late"), world.placed("late, without a run")]
    world.advance(minutes=5)
    world.fill(orders[0], 100)
    world.faults.before("workflow.start_at_clearing", OutcomeUnknownError("no answer"))
    world.fill(orders[1], 100)


def give_up(world: World) -> None:
    """An order that no exchange has, one that an exchange has, and one that cannot be cleared."""
    world.order("unsent")
    world.faults.before("exchanges.quotes", NegativeBalanceError("a bug"), times=5)
    world.run()
    sent = world.placed("sent")
    world.execute.give_up(ExecuteOrder(**ids(sent)), "broken")
    world.clear.flag(sent.order_id, "broken")


def disagree_with_the_depository(world: World) -> None:
    """A confirmation differs from its instruction, and another from the ledger."""
    first, second = cleared(world, "one")[1], cleared(world, "two")[1]
    world.depository.misreading = {identifiers.settlement_id(first): {"quantity": 1}}
    world.settlement_cycle(TOMORROW)
    known = world.depository.settled[identifiers.settlement_id(second)]
    for instruction_id in (known.instruction_id, identifiers.settlement_id("trd_unknown")):
        world.depository.settled[instruction_id] = known.model_copy(
            update={"instruction_id": instruction_id, "amount": D("1.00")}
        )
    world.reconcile(TOMORROW)


def administer(world: World) -> None:
    """Clients, limits, secrets and transfers."""
    registry = world.books
    assert isinstance(registry, MemoryRegistry)
    audit, ended_tokens = MemoryAudit(world.faults), MemoryEndedTokens(world.faults)
    clients = AdministerClients(
        registry,
        audit,
        ended_tokens,
        world.request_cancel,
        lambda: ("secret", make_secret()),
        lambda client_id: f"{client_id}-key",
        world.clock,
    )
    transfers = TransferAssets(registry, audit, world.clock, lambda *_: None)
    dave = make_client(client_id="dave", fingerprint="f", credit_limit=D("9.00"))
    credential = clients.create(dave, OPERATOR).credential
    for what in (Cash(amount=D("100.00")), Shares(symbol="AAPL", quantity=9, cost=D("9.00"))):
        transfers.deposit("dave", what, f"in {what}", OPERATOR)
    for what in (Cash(amount=D("1.00")), Shares(symbol="AAPL", quantity=1)):
        transfers.withdraw("dave", what, f"out {what}", OPERATOR)
    limits = Limits(margin_percent=D(50), credit_limit=D("7.00"), daily_trading_limit=D("9.00"))
    clients.set_limits("dave", limits, 1, OPERATOR)
    clients.set_signing("dave", True, OPERATOR)
    ResetSecondFactor(registry, MemorySecondFactors(), clients.end_tokens, audit)("dave", OPERATOR)
    for grace in (timedelta(days=1), None):
        clients.rotate_secret("dave", credential.api_key, f"{grace}", grace, OPERATOR)
    keys = AdministerKeys(registry, registry, audit, ended_tokens)
    for status in (CredentialStatus.INACTIVE, CredentialStatus.ACTIVE):
        keys.set_key("dave", credential.api_key, status, OPERATOR)
    second_person = SecondPerson(
        registry,
        registry,
        MemoryLastPrices(world.faults),
        audit,
        world.clock,
        SecondPersonRule(transfers=D("1.00"), limits=D("1.00")),
    )
    for number in (1, 2):
        request = ChangeRequest(f"prp_{number}", ProposedChange.WITHDRAWAL, "dave", "dave", "{}")
        second_person.propose(request, D("2.00"), OPERATOR, lambda: TriedOut(was_made=False))
    second_person.approve(
        "prp_1",
        ANOTHER,
        lambda approval: transfers.withdraw(
            "dave", Cash(amount=D("2.00")), "proposed", ANOTHER, approval
        ),
    )
    second_person.reject("prp_2", ANOTHER)
    clients.suspend("dave", OPERATOR)
    clients.activate("dave", OPERATOR)
    for tradable in (False, True):
        HaltInstrument(registry, audit)("AAPL", tradable, OPERATOR)
    for status in (CredentialStatus.INACTIVE, CredentialStatus.ACTIVE):
        AdministerVenueKeys(registry, audit).set_key("XNYS", status, OPERATOR)


def close_an_advance(world: World) -> None:
    """A client pays back a part of the shares that it had sold before the purchase was busted."""
    audit = MemoryAudit(world.faults)
    reversal = advanced_shares(world)
    account = world.books.account(reversal.client_id)
    owned = world.books.position(reversal.client_id, reversal.symbol)
    position, deposit = deposit_shares(owned, 60, D("6000.00"), "in", world.now)
    world.books.commit(account, position, deposit)
    close = CloseAdvance(world.books, audit, world.clock)
    close(reversal.trade_id, Closure(repaid_shares=60, reference="case-1"), OPERATOR)


def advanced_shares(world: World) -> Reversal:
    """A client sold 100 shares, and then their purchase was busted: the error account advanced
    them.
    """
    world.add_client("erin", cash="20000.00")
    bought = world.placed("bought", client_id="erin", quantity=100)
    report = world.fill(bought, 100, "100.00")
    sale = {"side": Side.SELL, "limit_price": D("100.00")}
    world.fill(world.placed("sold", client_id="erin", quantity=100, **sale), 100, "100.00")
    world.report(world.exchanges.bust(report.client_order_id, report.execution_id))
    return next(entry for entry in world.books.ledger() if isinstance(entry, Reversal))


SCENARIOS = (
    trade,
    replace_and_cancel,
    reach_an_exchange_in_sequence,
    refuse_reports,
    correct_executions,
    execute_late,
    give_up,
    disagree_with_the_depository,
    administer,
    close_an_advance,
)


def ids(order: Order) -> dict[str, str]:
    return {"client_id": order.client_id, "correlation_id": "c", "order_id": order.order_id}
