"""The functions send messages on only after their work is committed."""

import ast
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from moto import mock_aws

from tests.integration.backing import ENVIRONMENT, cold_start, create_queues, create_tables
from tests.integration.simulators.world import FakeContext
from tests.integration.trading import entities
from trading.messages import ClearOrder, SettleClient
from trading.usecases.ports import OutcomeUnknownError
from trading.usecases.posttrade.settle_obligations import Outcome

ROOT = Path(__file__).resolve().parents[3]
CLEAR = ClearOrder(client_id="alice", correlation_id="c", order_id="ord_1")
SETTLE = SettleClient(
    client_id="alice",
    correlation_id="c",
    settlement_date=entities.SETTLEMENT_DATE,
)
TELLING = {
    "settlement:handle": "below",
    "callbacks:_enqueue": "It commits nothing. The queue makes the report durable.",
    "internal:_execute": "It commits nothing. It asks for the execution of an accepted order.",
}
"""The functions of handlers that tell a workflow or a mailbox, and why that is after their work."""


class Recorder:
    """Stands for every object of a handler. It notes the calls."""

    def __init__(self, log: list[str], name: str, work: Callable[[], object]) -> None:
        self.log, self.name, self.work = log, name, work

    def __call__(self, *_: object, **__: object) -> object:
        answer = self.work()
        self.log.append(self.name)
        return answer

    def __getattr__(self, name: str) -> "Recorder":
        return Recorder(self.log, f"{self.name}.{name}", self.work)


@pytest.fixture
def aws(monkeypatch: pytest.MonkeyPatch) -> Iterator[pytest.MonkeyPatch]:
    venues = {"VENUES_API_ID": "venues", "VENUES_API_STAGE": "test"}
    for name, value in (ENVIRONMENT | venues).items():
        monkeypatch.setenv(name, value)
    with mock_aws():
        for name, value in create_queues().items():
            monkeypatch.setenv(name, value)
        create_tables()
        yield monkeypatch


def recorded(
    aws: pytest.MonkeyPatch, function: str, use_case: str, work: Callable[[], object]
) -> tuple[Any, list[str]]:
    """The handler's module with recorders in it, and their log."""
    module, log = cold_start(function), list[str]()
    aws.setattr(module, use_case, Recorder(log, "work", work))
    for name in ("workflow", "mailboxes"):
        if hasattr(module, name):
            aws.setattr(module, name, Recorder(log, name, lambda: True))
    return module, log


def failing() -> object:
    raise OutcomeUnknownError("the commit failed")


def outcome(**values: Any) -> Callable[[], Outcome]:
    return lambda: Outcome(**values)


def test_clearing_clears_and_a_message_that_is_given_up_flags_the_order(
    aws: pytest.MonkeyPatch,
) -> None:
    clearing, log = recorded(aws, "clearing", "clear_trades", entities.order)
    clearing.handle(CLEAR, FakeContext(), False)
    clearing.give_up(CLEAR, "broken")
    assert log == ["work", "work.flag"]


@pytest.mark.parametrize("redelivered", [False, True])
def test_clearing_that_fails_comes_again(aws: pytest.MonkeyPatch, redelivered: bool) -> None:
    clearing, log = recorded(aws, "clearing", "clear_trades", failing)
    with pytest.raises(OutcomeUnknownError):
        clearing.handle(CLEAR, FakeContext(), redelivered)
    with pytest.raises(OutcomeUnknownError):
        clearing.give_up(CLEAR, "broken")
    assert log == []


@pytest.mark.parametrize("redelivered", [False, True])
@pytest.mark.parametrize(
    ("work", "expected"),
    [
        (outcome(), ["work"]),
        (outcome(settled=2, failed=1), ["work"]),
        (
            outcome(settled=2, stopped_after="2026-01-06"),
            ["work", "mailboxes.settlement"],
        ),
        (outcome(stopped_after=""), ["work", "mailboxes.settlement"]),
        (outcome(unanswered=1, stopped_after="x"), ["work", "mailboxes.settlement"]),
    ],
)
def test_settlement_sends_a_further_message_only_when_something_is_left(
    aws: pytest.MonkeyPatch, work: Callable[[], object], expected: list[str], redelivered: bool
) -> None:
    settlement, log = recorded(aws, "settlement", "settle_obligations", work)
    settlement.handle(SETTLE, FakeContext(), redelivered)
    assert log == expected


@pytest.mark.parametrize(
    ("work", "message"),
    [
        (failing, SETTLE),
        (outcome(unanswered=1), SETTLE),
        (outcome(), SETTLE.model_copy(update={"part": 2, "unanswered": 1})),
    ],
)
def test_settlement_that_leaves_something_open_comes_again(
    aws: pytest.MonkeyPatch, work: Callable[[], object], message: SettleClient
) -> None:
    settlement, log = recorded(aws, "settlement", "settle_obligations", work)
    with pytest.raises(OutcomeUnknownError):
        settlement.handle(message, FakeContext(), False)
    assert set(log) <= {"work"}


@pytest.mark.parametrize(("redelivered", "after"), [(False, "trd_7"), (True, None)])
def test_a_redelivered_settlement_begins_anew(
    aws: pytest.MonkeyPatch, redelivered: bool, after: str | None
) -> None:
    """The worker that had the message may have left instructions before `after` unanswered."""
    settlement, asked = cold_start("settlement"), []

    def settle(*arguments: object) -> Outcome:
        asked.append(arguments[3])
        return Outcome()

    aws.setattr(settlement, "settle_obligations", settle)
    last = SETTLE.model_copy(update={"part": 2, "after": "trd_7"})
    settlement.handle(last, FakeContext(), redelivered)
    assert asked == [after]


def test_every_handler_that_tells_is_in_the_table() -> None:
    found = set()
    for path in sorted((ROOT / "functions").glob("*/handler.py")):
        for function in ast.walk(ast.parse(path.read_text())):
            if isinstance(function, ast.FunctionDef) and any(
                isinstance(node, ast.Attribute)
                and ast.unparse(node.value).split(".")[-1] in ("workflow", "mailboxes")
                for node in ast.walk(function)
            ):
                found.add(f"{path.parent.name}:{function.name}")
    assert found == set(TELLING)
