"""Errors that adapters raise through the ports."""

from trading.domain.errors import DomainError, ErrorCode, ErrorKind


class StaleError(DomainError):
    """Somebody else wrote first: a version moved on, or an item that must be new exists.

    Nothing was written. The caller starts over from its reads.
    """

    code = ErrorCode.CONCURRENT_UPDATE
    kind = ErrorKind.CONFLICT

    def __init__(
        self, message: str = "the data changed while the request was handled; try again"
    ) -> None:
        super().__init__(message, retry_after_seconds=1)


class NotFoundError(DomainError):
    """The request names something that does not exist."""

    code = ErrorCode.NOT_FOUND
    kind = ErrorKind.NOT_FOUND


class PriceNotReadError(DomainError):
    """Whether there is a last price, and which one, could not be read."""

    code = ErrorCode.PRICE_NOT_READ
    kind = ErrorKind.UNAVAILABLE

    def __init__(self, symbol: str) -> None:
        super().__init__(f"the last price of {symbol} could not be read", retry_after_seconds=1)


class NotAcceptedError(Exception):
    """The exchange certainly did not take the order. Its circuit may be open."""


class OutcomeUnknownError(Exception):
    """A call to the outside world failed. It may or may not have had its effect."""


class InstructionRefusedError(Exception):
    """The depository refuses the instruction. It would refuse the same instruction again."""


class SocketGoneError(Exception):
    """The connection to the client is closed."""


class SocketFailedError(Exception):
    """A message to a connected client may or may not have arrived."""
