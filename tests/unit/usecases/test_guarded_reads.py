"""What a decision was made on has not changed when it is written.

A commit is refused if another writer has changed one of its entities. So an entity that a use case
reads and does not write may be out of date when the decision is written. UNGUARDED lists these, for
each commit, with the reason why that does no harm.
"""

import ast
import sys
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from datetime import timedelta
from pathlib import Path
from types import FrameType

import pytest

from tests.fakes import world as fake_world
from tests.fakes.builders import TOMORROW, D, make_client, make_instrument
from tests.fakes.registry import MemoryAudit, MemoryRegistry
from tests.fakes.scenario import new_world, play
from tests.fakes.world import World
from tests.unit.usecases.posttrade.cleared import cleared
from trading import usecases
from trading.domain import identifiers
from trading.domain.accounts.cash import Account
from trading.domain.accounts.position import Position
from trading.domain.clients.client import Client, Limits
from trading.domain.clients.credentials import Credential
from trading.domain.errors import NegativeBalanceError
from trading.domain.orders.order import Order
from trading.domain.values import Side
from trading.messages import ExecuteOrder
from trading.usecases.administration.administer_clients import AdministerClients
from trading.usecases.administration.operator_actions import Operator
from trading.usecases.administration.transfer_assets import Cash, Shares, TransferAssets
from trading.usecases.ports import Change, OutcomeUnknownError

USE_CASES = Path(str(usecases.__file__)).parent
OPERATOR = Operator(who="operations", reason="ticket 4711")
UNGUARDED: dict[str, dict[str, str]] = {
    "orders/place_order:PlaceOrder._record": {
        "account": "A rejected order holds nothing. It is as if it had come before the change.",
    },
    "orders/cancel_order:RequestCancel._record": {
        "account": "It lists the orders to cancel. An order that comes later is not among them.",
    },
    "execution/route_order:RouteOrder._save": {
        "account": "It lists the predecessors. Only this mailbox sends them.",
        "order": "A predecessor. Only this mailbox sends it.",
    },
    "execution/book_execution:BookExecution._fill": {
        "order": "A predecessor, or a replacement that has ended. Neither begins again.",
    },
    "execution/book_execution:BookExecution._record_break": {
        "order": "Another account's order. The break does not touch it.",
    },
    "posttrade/settle_obligations:SettleObligations._book": {
        "account": "The settlement of a purchase moves no cash.",
    },
    "posttrade/settle_obligations:SettleObligations._record_mismatch": {
        "account": "It was read for a trade before. A break moves no cash.",
    },
    "administration/transfer_assets:TransferAssets._once": {
        "profile": "It tells that there is such a client, and the currency. Neither changes.",
    },
}
SHARES_STAY = {"posttrade/settle_obligations:SettleObligations._book"}
"""Where a position is written without its account. The settlement of a purchase moves no shares."""

Subject = tuple[str, str]


class WatchedBooks(MemoryRegistry):
    """Books that record, for each commit, what was read and is not written."""

    commits: dict[str, set[str]]
    without_account: set[str]

    def __init__(self, *arguments: object) -> None:
        super().__init__(*arguments)  # type: ignore[arg-type]
        self.commits = defaultdict(set)
        self.without_account = set()
        self._entry: FrameType | None = None
        self._read: set[Subject] = set()

    def account(self, client_id: str) -> Account:
        self._note("account", client_id)
        return super().account(client_id)

    def position(self, client_id: str, symbol: str) -> Position:
        self._note("position", f"{client_id}/{symbol}")
        return super().position(client_id, symbol)

    def order(self, order_id: str) -> Order | None:
        self._note("order", order_id)
        return super().order(order_id)

    def orders(self, order_ids: Iterable[str]) -> Sequence[Order]:
        order_ids = list(order_ids)
        for order_id in order_ids:
            self._note("order", order_id)
        return super().orders(order_ids)

    def profile(self, client_id: str) -> Client | None:
        self._note("profile", client_id)
        return super().profile(client_id)

    def credential(self, api_key: str) -> Credential | None:
        self._note("credential", api_key)
        return super().credential(api_key)

    def commit(self, *changes: Change | Client | Credential) -> None:
        frames = self._frames()
        written = {subject for change in changes if (subject := subject_of(change))}
        left = {kind for kind, name in self._read if (kind, name) not in written}
        if frames:
            self.commits[site(frames[0])] |= left
            self._read -= written
            kinds = {kind for kind, _ in written}
            if "position" in kinds and "account" not in kinds:
                self.without_account.add(site(frames[0]))
        super().commit(*changes)

    def _frames(self) -> list[FrameType]:
        """The frames of use cases that lead here, innermost first. A new outermost one begins a new
        decision.
        """
        frame, found = sys._getframe(2), []
        while frame is not None:
            if Path(frame.f_code.co_filename).is_relative_to(USE_CASES):
                found.append(frame)
            frame = frame.f_back  # type: ignore[assignment]
        found = [each for each in found if not each.f_code.co_filename.endswith("retrying.py")]
        if found and found[-1] is not self._entry:
            self._entry, self._read = found[-1], set()
        return found

    def _note(self, kind: str, name: str) -> None:
        if self._frames():
            self._read.add((kind, name))


def subject_of(change: object) -> Subject | None:
    match change:
        case Account():
            return "account", change.client_id
        case Position():
            return "position", f"{change.client_id}/{change.symbol}"
        case Order():
            return "order", change.order_id
        case Client():
            return "profile", change.client_id
        case Credential():
            return "credential", change.api_key
    return None


def site(frame: FrameType) -> str:
    module = Path(frame.f_code.co_filename).relative_to(USE_CASES).with_suffix("")
    return f"{module}:{frame.f_code.co_qualname}"


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
    world.handle(ExecuteOrder(**ids(other)), redelivered=True)


def refuse_reports(world: World) -> None:
    """Executions of an unknown order, of too many shares, and of an order that is over."""
    order = world.placed(quantity=100)
    report = world.fill(order, 40)
    world.report(report.model_copy(update={"client_order_id": "unknown", "execution_id": "e-9"}))
    world.report(report.model_copy(update={"last_quantity": 41}))


def give_up(world: World) -> None:
    """An order that no exchange has, one that an exchange has, and one that cannot be cleared."""
    world.order("unsent")
    world.faults.before("exchanges.quotes", NegativeBalanceError("a bug"), times=5)
    world.faults.before("workflow.fail", OutcomeUnknownError("no answer"))
    with pytest.raises(OutcomeUnknownError):
        world.run()
    for queue in world.mailboxes.queues.values():
        queue.clear()
    world.advance(minutes=2)
    world.sweep()
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
    assert isinstance(registry, WatchedBooks)
    audit = MemoryAudit(world.faults)
    clients = AdministerClients(
        registry, audit, world.request_cancel, lambda: ("secret", "hash"), world.clock
    )
    transfers = TransferAssets(registry, audit, world.clock)
    dave = make_client(client_id="dave", fingerprint="f", credit_limit=D("9.00"))
    credential = clients.create(dave, "key", OPERATOR).credential
    for what in (Cash(amount=D("100.00")), Shares(symbol="AAPL", quantity=9, cost=D("9.00"))):
        transfers.deposit("dave", what, f"in {what}", OPERATOR)
    for what in (Cash(amount=D("1.00")), Shares(symbol="AAPL", quantity=1)):
        transfers.withdraw("dave", what, f"out {what}", OPERATOR)
    limits = Limits(margin_percent=D(50), credit_limit=D("7.00"), daily_trading_limit=D("9.00"))
    clients.set_limits("dave", limits, 1, OPERATOR)
    for grace in (timedelta(days=1), None):
        clients.rotate_secret("dave", credential.api_key, f"{grace}", grace, OPERATOR)
    clients.suspend("dave", OPERATOR)
    clients.activate("dave", OPERATOR)


SCENARIOS = (
    trade,
    replace_and_cancel,
    reach_an_exchange_in_sequence,
    refuse_reports,
    give_up,
    disagree_with_the_depository,
    administer,
)


def ids(order: Order) -> dict[str, str]:
    return {"client_id": order.client_id, "correlation_id": "c", "order_id": order.order_id}


def committing(path: Path) -> Iterator[str]:
    """The functions of a module that commit to the books or the registry."""

    def visit(node: ast.AST, within: tuple[str, ...]) -> Iterator[str]:
        for child in ast.iter_child_nodes(node):
            if (
                isinstance(child, ast.Call)
                and isinstance(child.func, ast.Attribute)
                and child.func.attr == "commit"
            ):
                yield ".".join(within)
            if isinstance(child, ast.FunctionDef | ast.ClassDef):
                yield from visit(child, (*within, child.name))
            else:
                yield from visit(child, within)

    module = path.relative_to(USE_CASES).with_suffix("")
    for name in visit(ast.parse(path.read_text()), ()):
        yield f"{module}:{name}"


@pytest.fixture(scope="module")
def watched() -> list[WatchedBooks]:
    """The books of all scenarios, after them."""
    found = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(fake_world, "MemoryBooks", WatchedBooks)
        for scenario in SCENARIOS:
            world = new_world()
            scenario(world)
            assert isinstance(world.books, WatchedBooks)
            found.append(world.books)
    return found


def test_an_entity_that_was_read_is_written_or_its_age_does_no_harm(
    watched: list[WatchedBooks],
) -> None:
    left: dict[str, set[str]] = defaultdict(set)
    for books in watched:
        for name, kinds in books.commits.items():
            left[name] |= kinds
    every = {name for path in USE_CASES.rglob("*.py") for name in committing(path)}
    assert set(left) == every, "a commit that no scenario reaches"
    assert {name: kinds for name, kinds in left.items() if kinds} == {
        name: set(reasons) for name, reasons in UNGUARDED.items()
    }


def test_what_moves_shares_moves_the_version_of_the_account(watched: list[WatchedBooks]) -> None:
    """A portfolio is shown at one moment because the account has the same version before it and
    after it.
    """
    assert set().union(*(books.without_account for books in watched)) == SHARES_STAY
