"""The client of the depository's API."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from http import HTTPStatus
from urllib.parse import urlencode

from trading.adapters.venues.answers import read
from trading.adapters.venues.http import VenueHttp
from trading.usecases.ports import InstructionRefusedError, OutcomeUnknownError
from trading.wire import ConfirmationPage, SettlementConfirmation, SettlementInstruction

KEY_ID = "depository"


@dataclass(frozen=True)
class HttpDepository:
    """The port `Depository`."""

    http: VenueHttp

    def instruct(self, instruction: SettlementInstruction) -> SettlementConfirmation:
        """Instruct delivery versus payment. A repeated instruction gets the same confirmation."""
        path = "/depository/instructions"
        status, answer = self.http.request(
            KEY_ID, "POST", path, instruction.model_dump_json().encode()
        )
        if status in (HTTPStatus.BAD_REQUEST, HTTPStatus.CONFLICT, HTTPStatus.UNPROCESSABLE_ENTITY):
            raise InstructionRefusedError(f"{status} {answer[:200]!r}")
        if status != HTTPStatus.OK:
            raise OutcomeUnknownError(f"{path}: {status} {answer[:200]!r}")
        return read(SettlementConfirmation, answer, KEY_ID, path)

    def confirmations(self, settlement_date: date, cursor: str | None) -> ConfirmationPage:
        """A page of the confirmations of a settlement date."""
        query = {"settlement_date": settlement_date.isoformat()} | (
            {"cursor": cursor} if cursor else {}
        )
        path = f"/depository/confirmations?{urlencode(query)}"
        status, answer = self.http.request(KEY_ID, "GET", path)
        if status != HTTPStatus.OK:
            raise OutcomeUnknownError(f"{path}: {status} {answer[:200]!r}")
        return read(ConfirmationPage, answer, KEY_ID, path)
