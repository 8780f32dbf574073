"""Requests to the venues, and how their responses are read."""

import time
from contextlib import suppress
from dataclasses import replace
from datetime import date
from decimal import Decimal

import pytest

from tests.integration.local_http import HttpAnswer
from tests.integration.trading.venue import Slow, Venue, problem_answer, state_answer, submission
from trading.adapters.venues.depository import HttpDepository
from trading.adapters.venues.exchanges import HttpExchanges
from trading.adapters.venues.http import LONGEST_PAUSE_SECONDS, RETRY_BUDGET, RETRY_COST
from trading.usecases.ports import InstructionRefusedError, NotAcceptedError, OutcomeUnknownError
from trading.wire import (
    ConfirmationPage,
    ConfirmationStatus,
    ConsolidatedQuote,
    DeliveryDirection,
    SettlementConfirmation,
    SettlementInstruction,
    SubmitOrder,
    VenueQuote,
)

DUE = date(2026, 3, 3)
INSTRUCTION = SettlementInstruction(
    instruction_id="stl_1",
    settlement_account="csd-alice",
    counterparty="CCP",
    direction=DeliveryDirection.RECEIVE,
    symbol="AAPL",
    quantity=100,
    amount=Decimal("22850.00"),
    currency="USD",
    settlement_date=DUE,
)


def confirmation(venue: Venue) -> SettlementConfirmation:
    return SettlementConfirmation(
        confirmation_id="CSD-1",
        status=ConfirmationStatus.SETTLED,
        confirmed_at=venue.clock(),
        **INSTRUCTION.model_dump(exclude={"settlement_account", "counterparty"}),
    )


def test_a_submit_has_the_whole_order_a_signature_and_a_correlation_id(
    exchanges: HttpExchanges, venue: Venue
) -> None:
    venue.answer(state_answer(202))
    state = exchanges.submit("XNYS", submission())
    assert state.leaves_quantity == 100
    (request,) = venue.received
    assert (request.method, request.path.endswith("/exchanges/XNYS/orders")) == ("POST", True)
    assert SubmitOrder.model_validate_json(request.body) == submission()
    assert request.headers["x-key-id"] == "XNYS"
    assert request.headers["x-correlation-id"] == "corr-1"


@pytest.mark.parametrize(
    "answer",
    [problem_answer(503, "EXCHANGE_DOWN"), problem_answer(422, "CANCELED_BEFORE_ARRIVAL")],
)
def test_a_refused_submit_is_reported_as_not_accepted(
    exchanges: HttpExchanges, venue: Venue, answer: HttpAnswer
) -> None:
    venue.answer(answer)
    with pytest.raises(NotAcceptedError):
        exchanges.submit("XNYS", submission())
    assert len(venue.received) == 1


@pytest.mark.parametrize(
    "answer",
    [
        HttpAnswer(500, b"{}"),
        HttpAnswer(502, b"<html>Bad Gateway</html>"),
        HttpAnswer(200, b"{}"),
        HttpAnswer(202, b"not json"),
        HttpAnswer(202, b'{"status": "NEW"}'),
        state_answer(202, client_order_id="ord_1-2"),
        HttpAnswer(302, b""),
        HttpAnswer(404, b"{}"),
        problem_answer(409, "ORDER_ID_REUSED"),
        problem_answer(429, "THROTTLED"),
        Slow(),
    ],
)
def test_after_any_other_answer_the_outcome_is_unknown_and_nothing_is_resent(
    exchanges: HttpExchanges, venue: Venue, answer: HttpAnswer | Slow
) -> None:
    venue.answer(answer)
    with pytest.raises(OutcomeUnknownError):
        exchanges.submit("XNYS", submission())
    assert len(venue.received) == 1


def test_a_wrong_secret_is_refused_and_a_missing_one_sends_nothing(
    exchanges: HttpExchanges, venue: Venue
) -> None:
    venue.answer(state_answer(202))
    venue.secrets.rotate("trading-test-venue-XNYS", "v2", "a secret that the venue does not have")
    with pytest.raises(OutcomeUnknownError, match="401"):
        exchanges.submit("XNYS", submission())
    venue.received.clear()
    with pytest.raises(OutcomeUnknownError, match="no secret"):
        exchanges.submit("NONE", submission())
    assert venue.received == []


def test_the_status_of_an_unknown_order_differs_from_no_answer(
    exchanges: HttpExchanges, venue: Venue
) -> None:
    venue.answer(state_answer(cumulative_quantity=40))
    state = exchanges.status("XNYS", "ord_1-1")
    assert state is not None
    assert state.cumulative_quantity == 40
    venue.answer(problem_answer(404, "UNKNOWN_ORDER"))
    assert exchanges.status("XNYS", "ord_1-1") is None
    venue.answer(problem_answer(503, "EXCHANGE_DOWN"))
    with pytest.raises(OutcomeUnknownError):
        exchanges.status("XNYS", "ord_1-1")


def test_a_cancel_is_tried_twice_and_an_unknown_order_has_no_state(
    exchanges: HttpExchanges, venue: Venue
) -> None:
    venue.answer(Slow(), state_answer(status="CANCELED"))
    assert exchanges.cancel("XNYS", "ord_1-1").status.is_final
    assert [request.method for request in venue.received] == ["DELETE", "DELETE"]
    venue.answer(problem_answer(404, "UNKNOWN_ORDER"))
    with pytest.raises(OutcomeUnknownError):
        exchanges.cancel("XNYS", "ord_1-1")


def test_the_state_of_another_order_is_no_answer(exchanges: HttpExchanges, venue: Venue) -> None:
    venue.answer(state_answer(client_order_id="ord_2-1", cumulative_quantity=40))
    with pytest.raises(OutcomeUnknownError, match="ord_2-1"):
        exchanges.status("XNYS", "ord_1-1")
    with pytest.raises(OutcomeUnknownError, match="ord_2-1"):
        exchanges.cancel("XNYS", "ord_1-1")


def test_unreadable_quotes_are_an_unknown_outcome(exchanges: HttpExchanges, venue: Venue) -> None:
    quote = VenueQuote(
        exchange_id="XNYS", bid=Decimal("1.00"), bid_size=1, ask=Decimal("1.01"), ask_size=2
    )
    tape = ConsolidatedQuote(symbol="AAPL", as_of=venue.clock(), quotes=(quote,))
    venue.answer(HttpAnswer(200, tape.model_dump_json().encode()))
    assert exchanges.quotes("AAPL") == tape
    for bad in (
        HttpAnswer(200, b"[]"),
        HttpAnswer(200, tape.but(symbol="MSFT").model_dump_json().encode()),
        problem_answer(404, "UNKNOWN_SYMBOL"),
        HttpAnswer(500),
        Slow(),
    ):
        venue.answer(bad)
        with pytest.raises(OutcomeUnknownError):
            exchanges.quotes("AAPL")


def test_an_instruction_is_repeated_when_its_answer_is_lost(venue: Venue) -> None:
    confirmed = confirmation(venue)
    venue.answer(Slow(), HttpAnswer(200, confirmed.model_dump_json().encode()))
    assert HttpDepository(venue.http()).instruct(INSTRUCTION) == confirmed
    assert len({request.body for request in venue.received}) == 1
    assert len(venue.received) == 2
    assert venue.received[0].headers["x-key-id"] == "depository"


@pytest.mark.parametrize("status", [400, 409, 422])
def test_an_instruction_that_the_depository_rejects_is_refused(venue: Venue, status: int) -> None:
    venue.answer(problem_answer(status, "INSTRUCTION_ID_REUSED"))
    with pytest.raises(InstructionRefusedError, match=str(status)):
        HttpDepository(venue.http()).instruct(INSTRUCTION)


@pytest.mark.parametrize(
    "answer", [HttpAnswer(503), HttpAnswer(500), HttpAnswer(200, b"{}"), HttpAnswer(401), Slow()]
)
def test_without_a_readable_confirmation_the_outcome_is_unknown(
    venue: Venue, answer: HttpAnswer | Slow
) -> None:
    venue.answer(answer)
    depository = HttpDepository(venue.http())
    with pytest.raises(OutcomeUnknownError):
        depository.instruct(INSTRUCTION)
    with pytest.raises(OutcomeUnknownError):
        depository.confirmations(DUE, None)


def test_confirmations_are_paged_and_the_cursor_is_signed(venue: Venue) -> None:
    page = ConfirmationPage(confirmations=(confirmation(venue),), next_cursor="a/b+c=")
    venue.answer(HttpAnswer(200, page.model_dump_json().encode()))
    depository = HttpDepository(venue.http())
    assert depository.confirmations(DUE, None) == page
    assert depository.confirmations(DUE, page.next_cursor) == page
    assert venue.received[1].path.endswith("?settlement_date=2026-03-03&cursor=a%2Fb%2Bc%3D")


def test_a_venue_without_an_address_is_sent_nothing(venue: Venue) -> None:
    nowhere = replace(venue.http(), base_url={}.get)
    with pytest.raises(OutcomeUnknownError, match="no address for depository"):
        HttpDepository(nowhere).instruct(INSTRUCTION)
    assert venue.received == []


def test_a_refused_connection_is_an_unknown_outcome(venue: Venue) -> None:
    venue.server.close()
    with pytest.raises(OutcomeUnknownError, match="no answer"):
        HttpDepository(venue.http()).instruct(INSTRUCTION)


def test_retries_end_with_their_budget_and_resume_after_answers(
    exchanges: HttpExchanges, venue: Venue
) -> None:
    def ask(times: int) -> int:
        venue.received.clear()
        for _ in range(times):
            with suppress(OutcomeUnknownError):
                venue_http.request("XNYS", "GET", "/exchanges/XNYS/orders/ord_1-1")
        return len(venue.received)

    venue_http, affordable = exchanges.http, RETRY_BUDGET // RETRY_COST
    venue.answer(HttpAnswer(500))
    assert ask(affordable + 5) == 2 * affordable + 5
    assert ask(5) == 5
    venue.answer(state_answer())
    assert ask(2 * RETRY_COST) == 2 * RETRY_COST
    venue.answer(HttpAnswer(500))
    assert ask(5) == 5 + 2


def test_the_pause_between_two_tries_is_short_and_random(
    exchanges: HttpExchanges, venue: Venue, monkeypatch: pytest.MonkeyPatch
) -> None:
    pauses: list[float] = []
    monkeypatch.setattr(time, "sleep", pauses.append)
    venue.answer(HttpAnswer(500), HttpAnswer(500), HttpAnswer(500), HttpAnswer(500), state_answer())
    for _ in range(2):
        with pytest.raises(OutcomeUnknownError):
            exchanges.http.request("XNYS", "GET", "/exchanges/XNYS/orders/ord_1-1")
    assert len(set(pauses)) == 2
    assert all(0 <= pause <= LONGEST_PAUSE_SECONDS for pause in pauses)
