"""The administrative use cases over memory."""

from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import count
from typing import Any

from tests.fakes.builders import (
    NOW,
    D,
    make_client,
    make_exchange,
    make_instrument,
    make_order,
    make_secret,
)
from tests.fakes.faults import Faults
from tests.fakes.queues import MemoryMailboxes, MemoryMonitor
from tests.fakes.registry import MemoryAudit, MemoryEndedTokens, MemoryRegistry
from tests.fakes.venues import MemoryLastPrices
from trading.domain.clients.credentials import INTERNAL_AUDIENCE, Credential, StoredSecret
from trading.domain.clients.proposals import SecondPersonRule
from trading.domain.orders.order_entry import open_order
from trading.domain.reconciliation.checks import check
from trading.usecases.administration.administer_clients import (
    AdministerClients,
)
from trading.usecases.administration.administer_keys import AdministerKeys
from trading.usecases.administration.administer_venue_keys import AdministerVenueKeys
from trading.usecases.administration.close_advance import CloseAdvance
from trading.usecases.administration.halt_instrument import HaltInstrument
from trading.usecases.administration.operator_actions import Operator
from trading.usecases.administration.second_person import SecondPerson
from trading.usecases.administration.transfer_assets import (
    Cash,
    Shares,
    TransferAssets,
)
from trading.usecases.orders.cancel_order import RequestCancel

ANNAS = Credential(
    api_key="anna-1",
    client_id="anna",
    secrets=(make_secret(),),
    permissions=(),
    audience=INTERNAL_AUDIENCE,
    version=1,
)
OPERATOR = Operator(name="operations", who="operations", reason="ticket 4711")
NEW = make_client(credit_limit=D("500.00"), fingerprint="f-1")


@dataclass
class Office:
    """Creates, changes, funds and halts. A call of anything that is stored may fail."""

    faults: Faults = field(default_factory=Faults)

    def __post_init__(self) -> None:
        self.registry = MemoryRegistry(self.faults)
        self.used_codes: list[tuple[str, str, str]] = []
        """Codes of clients, with their holder and the request."""
        self.registry.instruments["AAPL"] = make_instrument()
        self.registry.venues = [make_exchange("XNYS"), make_exchange("XNAS")]
        self.audit = MemoryAudit(self.faults)
        self.ended_tokens = MemoryEndedTokens(self.faults)
        self.mailboxes = MemoryMailboxes(self.faults)
        numbers, keys = count(1), count(1)
        cancel = RequestCancel(
            self.registry, self.mailboxes, MemoryMonitor(self.faults), lambda: NOW
        )
        self.clients = AdministerClients(
            self.registry,
            self.audit,
            self.ended_tokens,
            cancel,
            self._secret(numbers),
            lambda client_id: f"{client_id}-{next(keys)}",
            lambda: NOW,
        )
        self.transfers = TransferAssets(
            self.registry, self.audit, lambda: NOW, lambda *used: self.used_codes.append(used)
        )
        self.prices = MemoryLastPrices(self.faults)
        self.now = NOW
        self.second_person = SecondPerson(
            self.registry,
            self.registry,
            self.prices,
            self.audit,
            lambda: self.now,
            SecondPersonRule(transfers=D("1000.00"), limits=D("50000.00")),
        )
        self.close_advance = CloseAdvance(self.registry, self.audit, lambda: NOW)
        self.halt = HaltInstrument(self.registry, self.audit)
        self.operators = MemoryRegistry(self.faults, INTERNAL_AUDIENCE)
        self.operators.credentials["anna-1"] = ANNAS
        self.venue_keys = AdministerVenueKeys(self.registry, self.audit)
        self.keys = AdministerKeys(self.registry, self.operators, self.audit, self.ended_tokens)

    @staticmethod
    def _secret(numbers: Any) -> Callable[[], tuple[str, StoredSecret]]:
        def new_secret() -> tuple[str, StoredSecret]:
            number = next(numbers)
            return f"secret-{number}", make_secret(f"hash-{number}")

        return new_secret

    def opened(self) -> "Office":
        """An office with one funded client."""
        self.clients.create(NEW, OPERATOR)
        self.transfers.deposit("alice", Cash(amount=D("100.00")), "opening", OPERATOR)
        self.transfers.deposit(
            "alice", Shares(symbol="AAPL", quantity=10, cost=D("1000.00")), "shares", OPERATOR
        )
        return self

    def with_open_order(self) -> "Office":
        """An office whose client has a resting order."""
        order = make_order(quantity=1, limit_price=D("10.00"))
        account = (
            self.registry.account("alice")
            .hold(order.hold.cash, order.hold.credit)
            .append_order(open_order(order))
        )
        self.registry.write(account, order)
        return self

    def state(self) -> object:
        """Everything that is stored, except which of several secrets was generated."""
        keys = {
            each.client_id: (
                each.rotation,
                len(each.secrets),
                each.generation,
                each.status,
                each.public_key,
            )
            for registry in (self.registry, self.operators)
            for each in registry.credentials.values()
        }
        messages = set(self.mailboxes.waiting("execution"))
        clients = {
            name: each.model_copy(update={"first_api_key": None})
            for name, each in self.registry.clients.items()
        }
        return (
            clients,
            self.registry.items,
            self.registry.instruments,
            keys,
            self.ended_tokens.generations,
            messages,
            self.registry.proposals,
            self.registry.venues,
        )

    def findings(self) -> list[Any]:
        return check(self.registry.snapshot())
