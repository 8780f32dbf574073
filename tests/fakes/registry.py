"""The books in memory with the clients' API keys, and an audit log in memory."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from tests.fakes.books import MemoryBooks
from tests.fakes.faults import Faults, faulty
from trading.domain.clients.client import Client
from trading.domain.clients.credentials import CLIENT_AUDIENCE, Credential
from trading.domain.clients.proposals import Proposal
from trading.domain.ledger import BROKER_ACCOUNTS, Deposit, Withdrawal
from trading.domain.reference.instruments import Exchange, Instrument
from trading.domain.values import Versioned
from trading.usecases.ports import Change, StaleError

Registered = Client | Credential | Proposal | Instrument | Exchange


class MemoryRegistry(MemoryBooks):
    """The port `Registry`. What it keeps is saved only over the version that was read."""

    def __init__(self, faults: Faults | None = None, audience: str = CLIENT_AUDIENCE) -> None:
        super().__init__(faults)
        self._audience = audience
        self.credentials: dict[str, Credential] = {}
        self.proposals: dict[str, Proposal] = {}

    @faulty
    def profile(self, client_id: str) -> Client | None:
        return self.clients.get(client_id)

    @faulty
    def credential(self, api_key: str) -> Credential | None:
        found = self.credentials.get(api_key)
        return found if found and found.audience == self._audience else None

    @faulty
    def is_reserved(self, client_id: str) -> bool:
        exchanges = {exchange.exchange_id for exchange in self.exchanges()}
        return client_id in BROKER_ACCOUNTS | exchanges or any(
            each.client_id == client_id and each.audience != CLIENT_AUDIENCE
            for each in self.credentials.values()
        )

    @faulty
    def api_keys(self, client_id: str) -> Sequence[str]:
        return [each.api_key for each in self.credentials.values() if each.client_id == client_id]

    @faulty
    def transfer(self, transfer_id: str) -> Deposit | Withdrawal | None:
        found = [
            self.items.get(("ledger", transfer_id, kind)) for kind in ("DEPOSIT", "WITHDRAWAL")
        ]
        return next((each for each in found if isinstance(each, Deposit | Withdrawal)), None)

    @faulty
    def listed(self, symbol: str) -> Instrument | None:
        return self.instruments.get(symbol)

    @faulty
    def exchange(self, exchange_id: str) -> Exchange | None:
        return self._exchanges().get(exchange_id)

    def _exchanges(self) -> dict[str, Exchange]:
        return {each.exchange_id: each for each in self.venues}

    @faulty
    def commit(self, *changes: Change | Registered) -> None:
        others: list[Change] = []
        for change in changes:
            if isinstance(change, Registered):
                known = self._known(change)
                if (known.version if known else 0) != change.version:
                    raise StaleError
            else:
                others.append(change)
        if others:
            self.write(*others)
        for change in changes:
            if isinstance(change, Client):
                self.clients[change.client_id] = change.saved()
            elif isinstance(change, Credential):
                self.credentials[change.api_key] = change.saved()
            elif isinstance(change, Proposal):
                self.proposals[change.proposal_id] = change.saved()
            elif isinstance(change, Instrument):
                self.instruments[change.symbol] = change.saved()
            elif isinstance(change, Exchange):
                changed = self._exchanges() | {change.exchange_id: change.saved()}
                self.venues = list(changed.values())

    @faulty
    def proposal(self, proposal_id: str) -> Proposal | None:
        return self.proposals.get(proposal_id)

    @faulty
    def pending(self, since: datetime) -> Sequence[Proposal]:
        """The port `Proposals`, with `proposal`."""
        undecided = (
            each
            for each in self.proposals.values()
            if each.decision is None and each.proposed_at > since
        )
        return sorted(undecided, key=lambda each: each.proposed_at)

    def _known(self, change: Registered) -> Versioned | None:
        match change:
            case Client():
                return self.clients.get(change.client_id)
            case Proposal():
                return self.proposals.get(change.proposal_id)
            case Credential():
                return self.credentials.get(change.api_key)
            case Instrument():
                return self.instruments.get(change.symbol)
            case Exchange():
                return self._exchanges().get(change.exchange_id)


class MemoryEndedTokens:
    """The port `EndedTokens`."""

    port = "ended_tokens"

    def __init__(self, faults: Faults) -> None:
        self.faults = faults
        self.generations: dict[str, int] = {}

    @faulty
    def end_before(self, api_key: str, generation: int) -> None:
        self.generations[api_key] = max(generation, self.generations.get(api_key, 0))


class MemoryAudit:
    """The port `AuditTrail`."""

    port = "audit"

    def __init__(self, faults: Faults) -> None:
        self.faults = faults
        self.entries: list[tuple[str, str, str, str, dict[str, str]]] = []

    @faulty
    def write(
        self, subject: str, action: str, who: str, reason: str, details: Mapping[str, str]
    ) -> None:
        self.entries.append((subject, action, who, reason, dict(details)))

    def actions(self) -> list[str]:
        """What was announced and done, in order."""
        return [action for _, action, _, _, _ in self.entries]
