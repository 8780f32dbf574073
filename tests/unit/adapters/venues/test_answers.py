"""The answers of venues are read within bounds, and what is not understood is set aside."""

import io
import json
import re
from contextlib import suppress
from typing import Any

import pytest
import urllib3
from hypothesis import given
from hypothesis import strategies as st

from trading.adapters.venues.answers import (
    CHUNK_BYTES,
    MAX_BYTES,
    MAX_DEPTH,
    MAX_ENTRIES,
    MAX_TEXT,
    UnreadableError,
    bounded_body,
    parse,
    read,
)
from trading.domain.patterns import REPORT_KEY
from trading.received import LONGEST_ASIDE, MOST_ASIDE
from trading.usecases.ports import OutcomeUnknownError
from trading.wire import (
    ConfirmationPage,
    ConsolidatedQuote,
    ExecutionReport,
    OrderState,
    VenueOrderStatus,
)

STATE: dict[str, Any] = {
    "exchange_id": "XNYS",
    "client_order_id": "ord_1-1",
    "exchange_order_id": "x-1",
    "status": "NEW",
    "quantity": 100,
    "cumulative_quantity": 40,
    "leaves_quantity": 60,
    "executions": [
        {
            "execution_id": "e-1",
            "quantity": 40,
            "price": "10.00",
            "transact_time": "2026-11-23T15:00:00Z",
        }
    ],
}


def state(**changes: Any) -> OrderState:
    return read(OrderState, json.dumps(STATE | changes).encode(), "XNYS", "/orders")


def deep(levels: int) -> Any:
    document: Any = 1
    for _ in range(levels):
        document = [document]
    return document


@pytest.mark.parametrize(
    ("within", "beyond"),
    [
        (deep(MAX_DEPTH), deep(MAX_DEPTH + 1)),
        ({"a": deep(MAX_DEPTH - 1)}, {"a": deep(MAX_DEPTH)}),
        (["x" * MAX_TEXT], ["x" * (MAX_TEXT + 1)]),
        ({"x" * MAX_TEXT: 1}, {"x" * (MAX_TEXT + 1): 1}),
        ([1] * MAX_ENTRIES, [1] * (MAX_ENTRIES + 1)),
        (
            dict.fromkeys(map(str, range(MAX_ENTRIES)), 1),
            dict.fromkeys(map(str, range(MAX_ENTRIES + 1)), 1),
        ),
    ],
)
def test_depth_and_lengths_are_bounded(within: Any, beyond: Any) -> None:
    assert parse(json.dumps(within).encode()) == within
    with pytest.raises(UnreadableError):
        parse(json.dumps(beyond).encode())


@pytest.mark.parametrize(
    "body",
    [
        b"[" * 100_000,
        b'{"a":' * 50_000,
        b"9" * 5_000,
        b"NaN",
        b"1e999999999999",
        b'{"quantity": 1, "quantity": 7}',
        b"\xff\xfe",
        b"",
        b" " * (MAX_BYTES + 1),
    ],
)
def test_what_is_no_plain_json_is_an_unknown_outcome(body: bytes) -> None:
    with pytest.raises(OutcomeUnknownError):
        read(OrderState, body, "XNYS", "/orders")


def response(body: bytes) -> urllib3.HTTPResponse:
    return urllib3.HTTPResponse(io.BytesIO(body), preload_content=False)


def test_the_size_of_a_body_is_bounded() -> None:
    whole = b"x" * MAX_BYTES
    assert bounded_body(response(whole), lambda: 1) == whole
    assert bounded_body(response(whole + b"x"), lambda: 1) is None
    assert bounded_body(response(b""), lambda: 1) == b""


def test_a_body_that_comes_bit_by_bit_is_given_up() -> None:
    left = iter([3.0, 2.0, 1.0, 0.0])
    assert bounded_body(response(b"x" * 10 * CHUNK_BYTES), lambda: next(left)) is None


def test_a_compressed_body_is_not_blown_up() -> None:
    packed = urllib3.HTTPResponse(
        io.BytesIO(b"packed"), headers={"content-encoding": "gzip"}, preload_content=False
    )
    assert bounded_body(packed, lambda: 1) == b"packed"


@pytest.mark.parametrize("status", ["PENDING_CANCEL", "DONE_FOR_DAY", "RESTATED", "", None, 7, {}])
def test_an_unknown_status_is_a_working_order_with_its_executions(status: Any) -> None:
    answer = state(status=status, surprise=[1, {"a": 2}])
    assert answer.status is VenueOrderStatus.OTHER
    assert not answer.status.is_final
    assert [e.quantity for e in answer.executions] == [40]
    assert {"status", "surprise"} == set(dict(answer.set_aside()))


def test_what_is_set_aside_is_bounded() -> None:
    answer = state(**{f"field{number}": "x" * 1000 for number in range(MOST_ASIDE + 1)})
    aside = dict(answer.set_aside())
    assert len(aside) == MOST_ASIDE
    assert {len(text) for text in aside.values()} == {LONGEST_ASIDE}


def test_an_end_without_its_numbers_is_no_end() -> None:
    assert state(status="CANCELED").status.is_final
    for number in ("cumulative_quantity", "busted_quantity"):
        assert not state(status="CANCELED", **{number: "?"}).status.is_final


@pytest.mark.parametrize("number", ["NaN", "-Infinity", "1e99", "9" * 50, "9" * 5_000])
@pytest.mark.parametrize("form", ["{}", "[{}]", '{{"deep": {}}}'])
def test_an_unknown_field_with_an_unreadable_number_hides_nothing(number: str, form: str) -> None:
    body = json.dumps(STATE)[:-1] + f', "surprise": {form.format(number)}}}'
    answer = read(OrderState, body.encode(), "XNYS", "/orders")
    assert [e.quantity for e in answer.executions] == [40]
    assert number[:40] in dict(answer.set_aside())["surprise"]


@pytest.mark.parametrize("number", ["NaN", "1e99", "9" * 50])
def test_an_unreadable_number_is_no_name(number: str) -> None:
    body = json.dumps(STATE).replace('"ord_1-1"', number)
    with pytest.raises(OutcomeUnknownError):
        read(OrderState, body.encode(), "XNYS", "/orders")


def test_a_venue_may_have_a_field_of_the_name_that_we_use() -> None:
    assert dict(state(not_understood=[1]).set_aside()) == {"not_understood": "[1]"}
    assert dict(state(not_understood={"a": [1]}, b=2).set_aside()) == {"a": "[1]", "b": "2"}


def test_characters_that_no_queue_takes_are_replaced() -> None:
    assert state(reason="no\uffff \ufffecharacters").reason == "no\ufffd \ufffdcharacters"


@pytest.mark.parametrize(
    "number", ["1e9999999999", "1e-9999999999", "1" + "0" * 30, "1." + "0" * 5_000, "9" * 4_000]
)
def test_a_number_that_takes_long_to_expand_cannot_be_read(number: str) -> None:
    for field in ("price", "quantity"):
        body = json.dumps(STATE).replace(f'"{field}": ', f'"{field}": {number}, "_": ')
        with suppress(OutcomeUnknownError):
            answer = read(OrderState, body.encode(), "XNYS", "/orders")
            assert not any(execution.is_readable for execution in answer.executions)


def test_half_a_surrogate_pair_becomes_a_text_that_can_be_stored() -> None:
    answer = state(reason="cut here \ud83d", surprise="\udc00", whole="\U0001f600")
    assert answer.reason == "cut here \ufffd"
    assert answer.model_dump_json().encode()
    assert dict(answer.set_aside()) == {"surprise": "\ufffd", "whole": "\U0001f600"}
    assert [e.execution_id for e in answer.executions] == ["e-1"]


def test_unreadable_elements_do_not_hide_the_others(capsys: pytest.CaptureFixture[str]) -> None:
    bad: list[Any] = [None, 7, {"quantity": 3}, {"execution_id": ""}, *[{}] * 9]
    answer = state(executions=[*bad, *STATE["executions"], "x"])
    assert [e.execution_id for e in answer.executions] == ["e-1"]
    assert len(dict(answer.set_aside())) == len(bad) + 1
    assert "NotUnderstood" in capsys.readouterr().out


def test_a_document_about_nothing_is_an_unknown_outcome() -> None:
    for body in (b"{}", b"[]", b"7", b"null"):
        with pytest.raises(OutcomeUnknownError):
            read(OrderState, body, "XNYS", "/orders")


def test_quotes_and_confirmations_that_cannot_be_read_are_left_out() -> None:
    good = {"exchange_id": "XNYS", "bid": "1.00", "bid_size": 5, "ask": "1.01", "ask_size": 5}
    tape = {"symbol": "KO", "as_of": "soon", "quotes": [good | {"bid": "-1"}, good, {"x": 1}]}
    read_tape = read(ConsolidatedQuote, json.dumps(tape).encode(), "XNYS", "/quotes")
    assert [quote.exchange_id for quote in read_tape.quotes] == ["XNYS"]
    confirmation = {
        "instruction_id": "stl_1",
        "confirmation_id": "c",
        "status": "PENDING",
        "direction": "RECEIVE",
        "symbol": "KO",
        "quantity": 1,
        "amount": "1.00",
        "currency": "USD",
        "settlement_date": "2026-11-24",
        "confirmed_at": "2026-11-24T23:00:00Z",
    }
    page = {"confirmations": [{"status": "SETTLED"}, confirmation], "total": 2}
    read_page = read(ConfirmationPage, json.dumps(page).encode(), "depository", "/confirmations")
    assert [(c.instruction_id, c.status) for c in read_page.confirmations] == [("stl_1", "OTHER")]


@given(st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=64))
def test_the_key_of_any_report_can_be_sent_in_a_header(execution_id: str) -> None:
    report = ExecutionReport.model_validate(
        {
            "exchange_id": "X" * 16,
            "execution_id": execution_id,
            "client_order_id": "ord_1-1",
            "account": "alice",
        }
    )
    key = report.idempotency_key
    assert re.fullmatch(REPORT_KEY, key)
    assert key == key.strip()
    if re.fullmatch("[!-~]+", execution_id):
        assert key == f"{'X' * 16}:{execution_id}"
