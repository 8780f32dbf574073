"""Every function's event for `sam local invoke` has the effect that it shows. Most of the events
are about one order of alice.
"""

import json
from collections.abc import Callable
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest

from tests.fakes.signing import signed_log_in
from tests.integration.backing import PREFIX
from tests.integration.simulators.world import FakeContext
from tests.integration.system import System
from trading.adapters.dynamodb.reconciliation_reports import latest
from trading.adapters.dynamodb.transactions import to_item
from trading.adapters.identity import passwords
from trading.adapters.identity.signature_keys import new_key_pair
from trading.domain.clients.credentials import CLIENT_AUDIENCE, INTERNAL_AUDIENCE, Credential
from trading.domain.identifiers import order_id
from trading.domain.reconciliation.findings import INVARIANTS
from trading.messages import EXECUTION_MESSAGE, CancelOrder, PollOrder, ReportReceived

ROOT = Path(__file__).resolve().parents[2]
FUNCTIONS = sorted(path.parent.name for path in (ROOT / "functions").glob("*/handler.py"))
SAM_VARIABLES = "env"
"""Not an event: `sam local invoke --env-vars` reads this file."""
ORDER_ID = order_id("alice", "order-1")
SETTLEMENT_DATE = date(2026, 1, 6)


def event(name: str) -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads((ROOT / "events" / f"{name}.json").read_text())
    return loaded


def run(system: System, name: str) -> Any:
    answer = system.invoke(name, event(name))
    return (
        answer | {"body": json.loads(answer["body"])}
        if isinstance(answer, dict) and "body" in answer
        else answer
    )


def executed(system: System) -> None:
    """The order is placed and filled. Its clearing message waits."""
    run(system, "orders")
    run(system, "execution")
    system.venues.match()
    while system.status(ORDER_ID) != "FILLED":
        assert system.deliver("execution") == []


def cleared(system: System) -> None:
    executed(system)
    run(system, "clearing")
    system.venues.pass_time(24 * 3600)


def check_orders(system: System) -> None:
    answer = run(system, "orders")
    assert (answer["statusCode"], answer["body"]["status"]) == (201, "VALIDATED")
    assert answer["body"]["order_id"] == ORDER_ID
    assert system.workflow_status(ORDER_ID) == "RUNNING"


def check_accounts(system: System) -> None:
    executed(system)
    answer = run(system, "accounts")
    held = {position["symbol"]: position["quantity"] for position in answer["body"]["positions"]}
    assert (answer["statusCode"], held) == (200, {"AAPL": 110, "MSFT": 50})


def check_internal(system: System) -> None:
    run(system, "orders")
    answer = run(system, "internal")
    assert (answer["statusCode"], answer["body"]["status"]) == (202, "VALIDATED")
    assert answer["body"]["order_id"] == ORDER_ID
    system.run_until(lambda: bool(system.venues.open_work()))
    assert system.status(ORDER_ID) == "ROUTING"


def check_admin(system: System) -> None:
    answer = run(system, "admin")
    assert (answer["statusCode"], answer["body"]["kind"], answer["body"]["amount"]) == (
        201,
        "DEPOSIT",
        "2500.00",
    )
    assert system.books.account("alice").available == 102_500
    assert run(system, "admin")["body"] == answer["body"]
    assert system.findings() == []


def check_execution(system: System) -> None:
    run(system, "orders")
    assert run(system, "execution") == {"batchItemFailures": []}
    assert system.status(ORDER_ID) == "ROUTING"
    assert len(system.venues.open_work()) == 1


def check_clearing(system: System) -> None:
    executed(system)
    assert run(system, "clearing") == {"batchItemFailures": []}
    assert system.status(ORDER_ID) == "CLEARED"
    assert sum(owed.quantity for owed in system.books.obligations("alice", SETTLEMENT_DATE)) == 10
    assert system.findings() == []


def check_settlement_plan(system: System) -> None:
    cleared(system)
    assert run(system, "settlement_plan") == {
        "settlement_date": "2026-01-06",
        "is_settlement_day": True,
        "asked": 1,
        "cursor": None,
        "progress": {
            "due_since": "2026-01-06",
            "due": None,
            "quiet_seconds": 0,
            "wait_seconds": 5,
            "is_over": False,
        },
    }


def check_settlement(system: System) -> None:
    cleared(system)
    assert run(system, "settlement") == {"batchItemFailures": []}
    assert system.status(ORDER_ID) == "SETTLED"
    assert system.books.obligations("alice", SETTLEMENT_DATE) == []
    assert system.findings() == []


def check_settlement_reconcile(system: System) -> None:
    cleared(system)
    run(system, "settlement")
    agreement = run(system, "settlement_reconcile")
    assert agreement["settlement_date"] == "2026-01-06"
    assert agreement["matched"] == agreement["confirmations"] > 0
    assert (agreement["failed"], agreement["breaks"], agreement["unsettled_clients"]) == (0, 0, 0)


def check_sweeper(system: System) -> None:
    run(system, "orders")
    run(system, "execution")
    assert run(system, "sweeper") == {"pushed": 0, "handed_over": 0}
    system.venues.pass_time(90)
    assert run(system, "sweeper") == {"pushed": 1, "handed_over": 0}
    kinds = {type(EXECUTION_MESSAGE.validate_json(m["Body"])) for m in drained(system)}
    assert PollOrder in kinds


def check_day_close(system: System) -> None:
    run(system, "orders")
    run(system, "execution")
    assert run(system, "day_close") == {"expiring": 0, "handed_over": 0}
    system.venues.now = datetime(2026, 1, 5, 21, 5, tzinfo=UTC)
    assert run(system, "day_close") == {"expiring": 1, "handed_over": 0}
    messages = [EXECUTION_MESSAGE.validate_json(m["Body"]) for m in drained(system)]
    assert [m.outcome for m in messages if isinstance(m, CancelOrder)] == ["EXPIRED"]


def check_reconciliation(system: System) -> None:
    cleared(system)
    report = system.invoke("reconciliation", event("reconciliation"), remaining_ms=900_000)
    assert (report["complete"], report["in_motion"], report["unconfirmed"]) == (True, 0, 0)
    assert report["broken"] == {str(invariant): 0 for invariant in INVARIANTS}
    assert report["items"]["orders"] == 1
    kept = latest(system.dynamodb, f"{PREFIX}control")
    assert kept is not None
    assert kept.model_dump(mode="json") == report


def check_callbacks(system: System) -> None:
    system.venues.now = datetime(2026, 3, 2, 14, 30, tzinfo=UTC)
    answer = run(system, "callbacks")
    assert (answer["statusCode"], answer["body"]) == (200, {"status": "accepted"})
    (message,) = system.messages("EXECUTION_QUEUE_URL")
    assert message["Attributes"]["MessageGroupId"] == "alice"
    assert isinstance(EXECUTION_MESSAGE.validate_json(message["Body"]), ReportReceived)


def logs_in(
    system: System, function: str, owner: str, audience: str, public_key: str | None = None
) -> Any:
    """The answer to the event, once its key exists."""
    body = json.loads(event(function)["body"])
    answer = run(system, function)
    assert (answer["statusCode"], answer["body"]["code"]) == (401, "INVALID_CREDENTIALS")
    credential = Credential(
        api_key=body["api_key"],
        client_id=owner,
        secrets=(passwords.stored(body["api_secret"]),),
        permissions=("orders:read", "orders:write"),
        audience=audience,
        public_key=public_key,
    )
    system.dynamodb.put_item(
        TableName=f"{PREFIX}credentials", Item=to_item(credential.model_dump())
    )
    return run(system, function)


def token_of(answer: Any) -> str:
    assert (answer["statusCode"], answer["body"]["permissions"]) == (
        200,
        ["orders:read", "orders:write"],
    )
    return str(answer["body"]["jwt_token"])


def check_event_publisher(system: System) -> None:
    assert run(system, "event_publisher") is None
    (message,) = system.messages("EVENTS_QUEUE_URL")
    published = json.loads(message["Body"])
    assert (published["source"], published["detail-type"]) == ("trading", "order.accepted")
    assert published["detail"]["data"]["orders"][0]["order_id"] == ORDER_ID


def check_event_log(system: System) -> None:
    assert run(system, "event_log") == {"batchItemFailures": []}
    answer = system.dynamodb.scan(TableName=f"{PREFIX}events")
    assert [item["sequence"]["S"] for item in answer["Items"]] == ["000000000002"]


def check_event_feed(system: System) -> None:
    run(system, "event_log")
    answer = run(system, "event_feed")
    assert answer["statusCode"] == 200
    assert (answer["body"]["since"], answer["body"]["is_delayed"]) == (2, False)
    [shown] = answer["body"]["items"]
    assert (shown["type"], shown["data"]["orders"][0]["order_id"]) == ("order.accepted", ORDER_ID)


def check_stream(system: System) -> None:
    """The sample is a message of a connection that nobody opened."""
    answer = run(system, "stream")
    assert answer["statusCode"] == 200
    assert (answer["body"]["id"], answer["body"]["problem"]["code"]) == ("1", "NOT_CONNECTED")


def check_push(system: System) -> None:
    """Nobody is connected, so there is nothing to do."""
    assert run(system, "push") is None


def check_auth(system: System) -> None:
    token_of(logs_in(system, "auth", "alice", CLIENT_AUDIENCE))


def operators_token(system: System) -> str:
    """The token of the operator, who has to sign what the event shows."""
    private_key, public_key = new_key_pair()
    answer = logs_in(system, "internal_auth", "operations", INTERNAL_AUDIENCE, public_key)
    assert (answer["statusCode"], answer["body"]["code"]) == (403, "SECOND_FACTOR_REQUIRED")
    shown = event("internal_auth")
    api_key = json.loads(shown["body"])["api_key"]
    answer = system.invoke(
        "internal_auth", signed_log_in(shown, private_key, system.now(), api_key)
    )
    return token_of(answer | {"body": json.loads(answer["body"])})


def check_internal_auth(system: System) -> None:
    operators_token(system)


def lets_in(system: System, authorizer: str, owner: str, token: str) -> None:
    """The event of the authorizer is let in with this token."""
    request = event(authorizer)
    request["headers"]["Authorization"] = f"Bearer {token}"
    verdict = system.invoke(authorizer, request)
    assert verdict["context"]["client_id"] == owner
    assert verdict["policyDocument"]["Statement"][0]["Effect"] == "Allow"


def check_authorizer(system: System) -> None:
    with pytest.raises(Exception, match=r"^Unauthorized$"):
        run(system, "authorizer")
    answer = logs_in(system, "auth", "alice", CLIENT_AUDIENCE)
    lets_in(system, "authorizer", "alice", token_of(answer))


def check_internal_authorizer(system: System) -> None:
    with pytest.raises(Exception, match=r"^Unauthorized$"):
        run(system, "internal_authorizer")
    lets_in(system, "internal_authorizer", "operations", operators_token(system))


def check_exchange_api(system: System) -> None:
    system.venues.now = datetime(2026, 1, 5, 15, 0, tzinfo=UTC)
    answer = system.venues.exchange_api.handler(event("exchange_api"), FakeContext())
    assert (answer["statusCode"], json.loads(answer["body"])["status"]) == (202, "NEW")


def check_exchange_matching(system: System) -> None:
    check_exchange_api(system)
    worked = system.venues.matching.handler(event("exchange_matching"), FakeContext())
    assert worked["fills"] > 0


def check_depository_api(system: System) -> None:
    system.venues.now = datetime(2026, 1, 5, 15, 0, tzinfo=UTC)
    answer = system.venues.depository_api.handler(event("depository_api"), FakeContext())
    assert (answer["statusCode"], json.loads(answer["body"])["status"]) == (200, "SETTLED")


def drained(system: System) -> list[dict[str, Any]]:
    """All messages in the execution mailbox."""
    found: list[dict[str, Any]] = []
    while batch := system.messages("EXECUTION_QUEUE_URL"):
        found += batch
        for message in batch:
            system.sqs.delete_message(
                QueueUrl=system.queues["EXECUTION_QUEUE_URL"],
                ReceiptHandle=message["ReceiptHandle"],
            )
    return found


CHECKS: dict[str, Callable[[System], None]] = {
    name.removeprefix("check_"): check
    for name, check in list(globals().items())
    if name.startswith("check_")
}


@pytest.mark.parametrize("name", FUNCTIONS)
def test_the_event_of_a_function_has_the_effect_that_it_shows(system: System, name: str) -> None:
    assert name in CHECKS, f"add the expected effect of events/{name}.json"
    CHECKS[name](system)


def test_every_event_belongs_to_a_function() -> None:
    events = {path.stem for path in (ROOT / "events").glob("*.json")}
    assert events - {SAM_VARIABLES} == set(FUNCTIONS)
