"""What a decision was made on has not changed when it is written.

A commit is refused if another writer has changed one of its entities. So an entity that a use case
reads and does not write may be out of date when the decision is written. UNGUARDED lists these, for
each commit, with the reason why that does no harm.
"""

import ast
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from types import FrameType

import pytest

from tests.fakes.every_commit import SCENARIOS, USE_CASES, use_case_frames, world_over
from tests.fakes.registry import MemoryRegistry
from trading.domain.accounts.cash import Account
from trading.domain.accounts.position import Position
from trading.domain.clients.client import Client
from trading.domain.clients.credentials import Credential
from trading.domain.orders.order import Order
from trading.usecases.ports import Change

UNGUARDED: dict[str, dict[str, str]] = {
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
        "account": "It was read before the breach was found. A break moves no cash.",
        "position": "It was read before the breach was found. A break moves no shares.",
    },
    "execution/book_execution:BookExecution._keep": {
        "order": "The break is about it, and changes nothing of it.",
    },
    "execution/book_execution:BookExecution._unpark": {
        "account": "It was read before the breach was found. Nothing but the order changes.",
        "position": "It was read before the breach was found. Nothing but the order changes.",
    },
    "administration/administer_clients:AdministerClients._with_ended_tokens": {
        "profile": "It names the first API key, which never changes.",
    },
    "administration/transfer_assets:TransferAssets._once": {
        "profile": "It tells that there is such a client, and the currency. Neither changes.",
    },
}

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
        """The frames of use cases that lead here. A new outermost one begins a new decision."""
        found = use_case_frames()
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


def committing(path: Path) -> Iterator[str]:
    """The functions of a module that commit to the books or the registry. Second factors and the
    connections to the stream are neither: they are decided on by themselves.
    """

    def visit(node: ast.AST, within: tuple[str, ...]) -> Iterator[str]:
        for child in ast.iter_child_nodes(node):
            if (
                isinstance(child, ast.Call)
                and isinstance(child.func, ast.Attribute)
                and child.func.attr == "commit"
                and ast.unparse(child.func.value) not in ("self.factors", "self.connections")
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
    for scenario in SCENARIOS:
        world = world_over(WatchedBooks)
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
    after it. An event has that version too: without it nobody would be told of the shares.
    """
    assert set().union(*(books.without_account for books in watched)) == set()
