"""Reports are read by the rules for answers: what is not needed holds no fill up."""

import json
from decimal import Decimal

import pytest

from tests.integration.api.conftest import World
from tests.integration.api.test_callbacks import REPORT, deliver, report, taken
from trading.messages import EXECUTION_MESSAGE, ReportReceived
from trading.wire import ExecutionReport


def the_report(world: World) -> ExecutionReport:
    """Take the one message out of the mailbox."""
    (message,) = world.messages()
    world.sqs.delete_message(QueueUrl=world.queue_url, ReceiptHandle=message["ReceiptHandle"])
    received = EXECUTION_MESSAGE.validate_json(message["Body"])
    assert isinstance(received, ReportReceived)
    return received.report


def written(fields: dict[str, str]) -> str:
    """The report as JSON, with these fields in the place of their own, as they are written here."""
    kept = json.dumps({name: value for name, value in REPORT.items() if name not in fields})
    return kept[:-1] + "".join(f', "{name}": {text}' for name, text in fields.items()) + "}"


UNREADABLE = ("1e99", "-1e-99", "9" * 50, "9" * 5000, "0." + "1" * 50, "NaN", "Infinity")
"""Numbers that JSON does not have, or that we do not expand."""


@pytest.mark.parametrize("number", UNREADABLE)
@pytest.mark.parametrize("form", ["{}", "[{}]", '{{"deep": [{}]}}'])
def test_a_number_that_cannot_be_read_in_an_unknown_field_is_set_aside(
    world: World, capsys: pytest.CaptureFixture[str], number: str, form: str
) -> None:
    raw = written({"venue_flags": form.format(number)})
    assert deliver(world, report(raw=raw))[:2] == (200, {"status": "accepted"})
    assert "NotUnderstood" in capsys.readouterr().out
    received = the_report(world)
    assert received.last_quantity == REPORT["last_quantity"]
    assert "".join(dict(received.set_aside())).startswith("venue_flags")


@pytest.mark.parametrize(
    ("field", "text", "kept"),
    [
        ("reason", '"cut \\ud83d"', "cut \ufffd"),
        ("reason", '"cut \ufffd"', "cut \ufffd"),
        ("reason", '"no \\uffff character"', "no \ufffd character"),
        ("reason", "NaN", None),
        ("leaves_quantity", "1e99", 0),
        ("correlation_id", "NaN", "unknown"),
        ("last_quantity", "10.0", 10),
        ("last_quantity", "1e1", 10),
        ("last_price", "60.1", Decimal("60.10")),
    ],
)
def test_a_trade_is_taken_with_a_broken_field_that_it_does_not_need(
    world: World, field: str, text: str, kept: object
) -> None:
    assert deliver(world, report(raw=written({field: text})))[0] == 200
    received = the_report(world)
    assert getattr(received, field) == kept
    assert (received.last_quantity, received.last_price) == (10, Decimal("60.10"))


@pytest.mark.parametrize("text", ["NaN", "1e99", "9" * 50, "7", "null", "{}"])
@pytest.mark.parametrize("field", ["account", "client_order_id", "execution_id", "exchange_id"])
def test_a_broken_field_that_is_needed_is_named(world: World, field: str, text: str) -> None:
    status, problem, _ = deliver(world, report(raw=written({field: text})))
    assert (status, problem["code"]) == (422, "VALIDATION_FAILED")
    assert [error["field"] for error in problem["errors"]] == [field]
    assert world.messages() == []


def test_a_venue_may_have_a_field_of_the_name_that_we_use(world: World) -> None:
    for number, said in enumerate(([1], {"a": {"b": 1}}, "text")):
        assert (
            deliver(world, report(REPORT | {"not_understood": said, "leaves_quantity": number}))[0]
            == 200
        )
        assert the_report(world).set_aside()


@pytest.mark.parametrize(
    ("more", "key"),
    [
        ('"last_quantity": 1', "last_quantity"),
        ('"flags": {"a": 1, "a": NaN}', "a"),
        ('"\\ud83d": 1, "\\ud83d": 2', "\ufffd"),
    ],
)
def test_a_report_with_a_key_twice_is_refused(world: World, more: str, key: str) -> None:
    raw = json.dumps(REPORT)[:-1] + f", {more}}}"
    status, problem, _ = deliver(world, report(raw=raw))
    assert (status, problem["code"]) == (400, "MALFORMED_JSON")
    assert [error["field"] for error in problem["errors"]] == [key]


@pytest.mark.parametrize("levels", [9, 100, 1000, 4000, 7500])
def test_depth_is_no_fault_of_ours(world: World, levels: int) -> None:
    status, _, _ = deliver(world, report(raw=written({"deep": "[" * levels + "]" * levels})))
    assert status in (200, 400)
    assert levels > 100 or status == 200


ODD = (
    "20261129/XNYS/7",
    "a b",
    "=1+1",
    "x=y;z",
    "100%",
    "#?&",
    '"quoted"',
    "ends in a space ",
    "".join(map(chr, range(33, 97))),
    "".join(map(chr, range(97, 127))),
    "Zürich-7",
    "\U0001f4c8" * 64,
)


@pytest.mark.parametrize("execution_id", ODD)
def test_an_execution_id_may_have_any_character(world: World, execution_id: str) -> None:
    said = REPORT | {"execution_id": execution_id}
    key = ExecutionReport.model_validate(said).idempotency_key
    assert key.isascii()
    if execution_id.isascii():
        assert key == f"XNYS:{execution_id}".strip()
    assert deliver(world, report(said, key=key))[:2] == (200, {"status": "accepted"})
    assert the_report(world).execution_id == execution_id
    again = deliver(world, report(said | {"poss_dup": True}, key=key, age=2))
    assert again[:2] == (200, {"status": "accepted"})
    assert taken(world) == 0


def test_ids_that_differ_in_white_space_are_two_executions(world: World) -> None:
    for execution_id in ("a", "a "):
        deliver(world, report(REPORT | {"execution_id": execution_id}, key="XNYS:a"))
    assert taken(world) == 2


@pytest.mark.parametrize(
    ("key", "status", "code"),
    [
        ("XNYS:a\tb", 400, "IDEMPOTENCY_KEY_INVALID"),
        ("XNYS:" + "a" * 1020, 400, "IDEMPOTENCY_KEY_INVALID"),
        ("", 400, "IDEMPOTENCY_KEY_REQUIRED"),
        ("XNYS:a/b", 422, "IDEMPOTENCY_KEY_MISMATCH"),
    ],
)
def test_the_key_of_a_report_is_bounded_and_printable(
    world: World, key: str, status: int, code: str
) -> None:
    got, problem, _ = deliver(world, report(key=key))
    assert (got, problem["code"]) == (status, code)
