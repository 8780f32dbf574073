"""What the use cases need of the world.
Adapters implement it over AWS and HTTP, tests in memory.
"""

from trading.usecases.ports.books import (
    Accounts,
    AttentionIndex,
    ClientProfiles,
    EntryKey,
    Ledger,
    LedgerIndex,
    ObligationIndex,
    Obligations,
    OrderIndex,
    Orders,
    PositionLists,
    ReferenceData,
    SortKey,
    UnitOfWork,
)
from trading.usecases.ports.changes import Change, Discharged
from trading.usecases.ports.clock import Clock
from trading.usecases.ports.errors import (
    InstructionRefusedError,
    NotAcceptedError,
    NotFoundError,
    OutcomeUnknownError,
    PriceNotReadError,
    SocketFailedError,
    SocketGoneError,
    StaleError,
)
from trading.usecases.ports.events import EventLog
from trading.usecases.ports.messaging import (
    FurtherInvocations,
    MailboxBatches,
    Mailboxes,
    SettlementMailboxes,
    Workflow,
)
from trading.usecases.ports.monitor import Monitor
from trading.usecases.ports.prices import LastPrices
from trading.usecases.ports.stream import ConnectionTable, Pushes, Sockets, TokenGenerations
from trading.usecases.ports.venues import Depository, Exchanges, VenueHealth

__all__ = [
    "Accounts",
    "AttentionIndex",
    "Change",
    "ClientProfiles",
    "Clock",
    "ConnectionTable",
    "Depository",
    "Discharged",
    "EntryKey",
    "EventLog",
    "Exchanges",
    "FurtherInvocations",
    "InstructionRefusedError",
    "LastPrices",
    "Ledger",
    "LedgerIndex",
    "MailboxBatches",
    "Mailboxes",
    "Monitor",
    "NotAcceptedError",
    "NotFoundError",
    "ObligationIndex",
    "Obligations",
    "OrderIndex",
    "Orders",
    "OutcomeUnknownError",
    "PositionLists",
    "PriceNotReadError",
    "Pushes",
    "ReferenceData",
    "SettlementMailboxes",
    "SocketFailedError",
    "SocketGoneError",
    "Sockets",
    "SortKey",
    "StaleError",
    "TokenGenerations",
    "UnitOfWork",
    "VenueHealth",
    "Workflow",
]
