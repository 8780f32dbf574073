"""The errors of the domain. Their codes are stable: clients and runbooks rely on them."""

from collections.abc import Mapping
from enum import StrEnum

from trading.domain.coded import Coded


class ErrorKind(StrEnum):
    """The nature of a refusal. Each transport maps it to its own status once."""

    INVALID = "INVALID"
    UNAUTHENTICATED = "UNAUTHENTICATED"
    FORBIDDEN = "FORBIDDEN"
    NOT_FOUND = "NOT_FOUND"
    CONFLICT = "CONFLICT"
    GONE = "GONE"
    UNPROCESSABLE = "UNPROCESSABLE"
    THROTTLED = "THROTTLED"
    UNAVAILABLE = "UNAVAILABLE"


class ErrorCode(Coded):
    """Why a use case refuses a request."""

    NOT_FOUND = "NOT_FOUND", "The named item does not exist, or not for this client."
    CONCURRENT_UPDATE = (
        "CONCURRENT_UPDATE",
        "The data changed while the request was handled. The same request may succeed now.",
    )
    OVERLOADED = "OVERLOADED", "The database did not take the write in time. Ask again."
    EVENTS_EXPIRED = (
        "EVENTS_EXPIRED",
        "The events after this sequence are not kept any more. Read the account again.",
    )
    NOT_CONNECTED = "NOT_CONNECTED", "The connection to the stream is not open any more."
    VERSION_CONFLICT = "VERSION_CONFLICT", "The client has changed since the named version."
    IDEMPOTENCY_KEY_REUSED = (
        "IDEMPOTENCY_KEY_REUSED",
        "The Idempotency-Key was used before, with another request.",
    )
    REFERENCE_REUSED = (
        "REFERENCE_REUSED",
        "The payment reference was used before, for another transfer.",
    )
    CLIENT_EXISTS = "CLIENT_EXISTS", "A client with this id exists already."
    CLIENT_ID_RESERVED = (
        "CLIENT_ID_RESERVED",
        "An operator, an exchange or an account of the broker has this id.",
    )
    OWN_STATUS = "OWN_STATUS", "Operators neither disable nor enable themselves."
    OWN_PROPOSAL = "OWN_PROPOSAL", "Another operator must approve a proposal."
    PROPOSAL_DECIDED = "PROPOSAL_DECIDED", "The proposal was approved or rejected before."
    PROPOSAL_EXPIRED = "PROPOSAL_EXPIRED", "Nobody has decided on the proposal in time."
    SECOND_PERSON_REQUIRED = (
        "SECOND_PERSON_REQUIRED",
        "A new client has lower limits. A second operator approves higher ones.",
    )
    CLIENT_UNKNOWN = "CLIENT_UNKNOWN", "The client that the token names does not exist."
    CLIENT_INACTIVE = "CLIENT_INACTIVE", "The client or its API key is not active."
    INVALID_CREDENTIALS = "INVALID_CREDENTIALS", "The API key or the secret is wrong."
    LOGIN_LOCKED = "LOGIN_LOCKED", "Too many log-ins with this API key have failed."
    DERIVED_KEY = (
        "DERIVED_KEY",
        "The public key is derived from the API secret, so it proves nothing more than the secret.",
    )
    SECOND_FACTOR_REQUIRED = (
        "SECOND_FACTOR_REQUIRED",
        "The request needs a second factor. `detail` says how to give one.",
    )
    SECOND_FACTOR_NOT_ENROLLED = (
        "SECOND_FACTOR_NOT_ENROLLED",
        "The client has no second factor, or none that waits for its confirmation.",
    )
    INVALID_CODE = "INVALID_CODE", "The code is wrong, too old, or was used before."
    CODES_UNAVAILABLE = "CODES_UNAVAILABLE", "The code could not be checked. Ask again."
    CODES_LOCKED = "CODES_LOCKED", "Too many codes were wrong. A recovery code still passes."
    UNKNOWN_SYMBOL = "UNKNOWN_SYMBOL", "The symbol is not listed."
    NOT_WITHDRAWABLE = (
        "NOT_WITHDRAWABLE",
        "The withdrawal exceeds the amount that is settled, free and not owed.",
    )
    LOAN_NOT_COVERED = (
        "LOAN_NOT_COVERED",
        "Shares secure the loan. They may be withdrawn when settled cash covers it.",
    )
    EXCEEDS_ADVANCE = (
        "EXCEEDS_ADVANCE",
        "More is paid back than the error account advanced.",
    )
    ADVANCE_CLOSED = (
        "ADVANCE_CLOSED",
        "The advance was closed before, with other amounts.",
    )
    PRICE_NOT_READ = "PRICE_NOT_READ", "The last price could not be read. Ask again."
    ACCOUNT_BUSY = "ACCOUNT_BUSY", "The account changed while it was read. Ask again."
    ORDER_CLOSED = "ORDER_CLOSED", "The order can no longer execute."
    ORDER_ENDING = "ORDER_ENDING", "The order is being canceled, replaced or expired already."
    ORDER_PENDING = "ORDER_PENDING", "The order still waits to replace another order."
    PRICE_NOT_ALLOWED = "PRICE_NOT_ALLOWED", "An order of this type has no limit price."
    STOP_PRICE_NOT_ALLOWED = (
        "STOP_PRICE_NOT_ALLOWED",
        "An order of this type has no stop price.",
    )
    NOTHING_TO_CHANGE = "NOTHING_TO_CHANGE", "The order has these terms already."
    QUANTITY_FILLED = (
        "QUANTITY_FILLED",
        "The new quantity is not greater than the quantity filled.",
    )
    NOT_EXECUTED = "NOT_EXECUTED", "The order is still open, or nothing of it was executed."
    NOT_CLEARED = "NOT_CLEARED", "The trade is not cleared, so it cannot be settled."
    NOT_DUE = "NOT_DUE", "The settlement date of the trade has not come."
    NOT_A_SETTLEMENT_DAY = (
        "NOT_A_SETTLEMENT_DAY",
        "Nothing settles today: the exchanges or the banks are closed.",
    )
    SETTLEMENT_FAILED = "SETTLEMENT_FAILED", "The depository did not settle the trade."


class InvariantError(Exception):
    """The code was about to break a rule: a bug. Nothing is written, and a retry cannot help."""


class NegativeBalanceError(InvariantError):
    """A balance of cash or shares would go below zero.
    Order entry has to refuse what leads there.
    """


class DomainError(Exception):
    """A refusal with a stable `code` and a `message` that is safe to show to the client.

    field: the input at fault. details: further facts, as text. retry_after_seconds: when a retry
    makes sense. A subclass sets `code` and `kind`.
    """

    code: Coded
    kind: ErrorKind = ErrorKind.UNPROCESSABLE

    def __init__(
        self,
        message: str,
        *,
        field: str | None = None,
        details: Mapping[str, str] | None = None,
        retry_after_seconds: int | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.field = field
        self.details = dict(details or {})
        self.retry_after_seconds = retry_after_seconds

    @property
    def is_answer(self) -> bool:
        """Whether the refusal is the answer to its request: a late copy must get it again.

        It is an answer if it follows from the state of the books. It is not if a retry makes sense,
        or if the caller was refused and not the request. A key that was used with another request
        keeps the answer to that one.
        """
        if self.retry_after_seconds is not None or self.code is ErrorCode.IDEMPOTENCY_KEY_REUSED:
            return False
        return self.kind in (ErrorKind.NOT_FOUND, ErrorKind.CONFLICT, ErrorKind.UNPROCESSABLE)


PERMANENT = (DomainError, InvariantError)
"""The errors of a message that cannot succeed, except those that are `is_transient`."""


def is_transient(error: Exception) -> bool:
    """Whether the error itself says that a retry makes sense."""
    return isinstance(error, DomainError) and error.retry_after_seconds is not None
