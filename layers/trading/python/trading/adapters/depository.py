"""The depository, over its API."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from http import HTTPStatus
from urllib.parse import urlencode

from pydantic import ValidationError

from trading.adapters.venue_http import VenueHttp
from trading.usecases.ports import InstructionRefusedError, OutcomeUnknownError
from trading.wire import ConfirmationPage, SettlementConfirmation, SettlementInstruction

KEY_ID = "depository"


@dataclass(frozen=True)
class HttpDepository:
    """The port `Depository`."""

    http: VenueHttp

    def instruct(self, instruction: SettlementInstruction) -> SettlementConfirmation:
        """Deliver versus payment. Repeating an instruction repeats its confirmation."""
        answer = self._ask("POST", "/depository/instructions", instruction.model_dump_json().encode())
        try:
            return SettlementConfirmation.model_validate_json(answer)
        except ValidationError as error:
            raise OutcomeUnknownError(f"unreadable confirmation: {error.error_count()} errors") from error

    def confirmations(self, settlement_date: date, cursor: str | None) -> ConfirmationPage:
        """A page of the confirmations of a settlement date."""
        query = {"settlement_date": settlement_date.isoformat()} | ({"cursor": cursor} if cursor else {})
        answer = self._ask("GET", f"/depository/confirmations?{urlencode(query)}")
        try:
            return ConfirmationPage.model_validate_json(answer)
        except ValidationError as error:
            raise OutcomeUnknownError(f"unreadable page: {error.error_count()} errors") from error

    def _ask(self, method: str, path: str, body: bytes = b"") -> bytes:
        status, answer = self.http.request(KEY_ID, method, path, body)
        if status in (HTTPStatus.BAD_REQUEST, HTTPStatus.CONFLICT, HTTPStatus.UNPROCESSABLE_ENTITY):
            raise InstructionRefusedError(f"{path}: {status} {answer[:200]!r}")
        if status != HTTPStatus.OK:
            raise OutcomeUnknownError(f"{method} {path}: {status} {answer[:200]!r}")
        return answer
