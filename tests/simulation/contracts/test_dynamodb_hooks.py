"""The hooks of the simulated DynamoDB: stale reads, short pages, leftover keys, and expiry."""

from collections.abc import Callable
from random import Random
from typing import Any

import pytest

from tests.simulation.services.dynamodb import Change, DynamoDB
from tests.simulation.services.errors import ServiceError

KEY = {"client_id": {"S": "alice"}, "item": {"S": "CASH"}}


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def service(clock: Clock) -> DynamoDB:
    service = DynamoDB(clock, Random(1))
    service.create_table(
        "accounts", ("client_id", "item"), {"due": ("due_date", "client_id")}, expires="expires_at"
    )
    service.create_table("things", ("id",))
    return service


def item(name: str = "CASH", **attributes: Any) -> dict[str, Any]:
    return {"client_id": {"S": "alice"}, "item": {"S": name}, **attributes}


def put(service: DynamoDB, *items: dict[str, Any]) -> None:
    for each in items:
        service.call("PutItem", {"TableName": "accounts", "Item": each})


def amounts(service: DynamoDB, consistent: bool = False) -> list[str | None]:
    """The amount that each kind of read sees."""
    options = {"ConsistentRead": consistent}
    query = {
        "KeyConditionExpression": "client_id = :c",
        "ExpressionAttributeValues": {":c": {"S": "alice"}},
    }
    got = service.call("GetItem", {"TableName": "accounts", "Key": KEY, **options})
    batch = service.call("BatchGetItem", {"RequestItems": {"accounts": {"Keys": [KEY], **options}}})
    queried = service.call("Query", {"TableName": "accounts", **query, **options})
    scanned = service.call("Scan", {"TableName": "accounts", **options})
    found = [
        [got["Item"]] if got else [],
        batch["Responses"]["accounts"],
        queried["Items"],
        scanned["Items"],
    ]
    return [each[0]["amount"]["N"] if each else None for each in found]


def due(service: DynamoDB, day: str) -> list[str]:
    query = {
        "KeyConditionExpression": "due_date = :d",
        "ExpressionAttributeValues": {":d": {"S": day}},
    }
    answer = service.call("Query", {"TableName": "accounts", "IndexName": "due", **query})
    return [each["item"]["S"] for each in answer["Items"]]


def test_a_stale_read_sees_the_table_as_it_was(service: DynamoDB, clock: Clock) -> None:
    for amount in ("1", "2", "3"):
        put(service, item(amount={"N": amount}))
        clock.now += 0.5
    service.call("DeleteItem", {"TableName": "accounts", "Key": KEY})
    lags = {0.0: None, 0.1: "3", 0.6: "2", 1.0: "2", 1.1: "1", 1.6: None}
    seen = {}
    for lag in lags:
        service.stale = lambda lag=lag: lag  # type: ignore[misc]
        seen[lag] = amounts(service)
        assert amounts(service, consistent=True) == [None] * 4
    assert seen == {lag: [amount] * 4 for lag, amount in lags.items()}


def test_a_stale_index_lists_what_was_due(service: DynamoDB, clock: Clock) -> None:
    put(service, item("A", due_date={"S": "mon"}), item("B", due_date={"S": "mon"}))
    clock.now += 1
    put(service, item("A", due_date={"S": "tue"}), item("B"), item("C", due_date={"S": "mon"}))
    assert (due(service, "mon"), due(service, "tue")) == (["C"], ["A"])
    service.stale = lambda: 0.5
    assert (due(service, "mon"), due(service, "tue")) == (["A", "B"], [])


def test_history_ends_after_two_seconds(service: DynamoDB, clock: Clock) -> None:
    put(service, item(amount={"N": "1"}))
    clock.now += 10
    put(service, item(amount={"N": "2"}))
    clock.now += 1.5
    put(service, item(amount={"N": "3"}))
    service.stale = lambda: 100.0
    assert amounts(service) == ["1"] * 4
    clock.now += 1
    assert amounts(service) == ["2"] * 4


def test_every_eventually_consistent_read_asks_once_how_stale_it_is(service: DynamoDB) -> None:
    asked: list[int] = []
    service.stale = lambda: float(asked.append(1) or 0)  # type: ignore[func-returns-value]
    amounts(service)
    due(service, "mon")
    assert len(asked) == 5
    amounts(service, consistent=True)
    service.call(
        "TransactGetItems", {"TransactItems": [{"Get": {"TableName": "accounts", "Key": KEY}}]}
    )
    assert len(asked) == 5


def test_pages_are_as_short_as_they_are_told_to_be(service: DynamoDB) -> None:
    put(service, *[item(f"ITEM#{number}", amount={"N": str(number)}) for number in range(5)])
    sizes = iter([2, 0, 2])
    service.page_size = lambda: next(sizes)
    request: dict[str, Any] = {
        "TableName": "accounts",
        "KeyConditionExpression": "client_id = :c",
        "FilterExpression": "amount <> :two",
        "ExpressionAttributeValues": {":c": {"S": "alice"}, ":two": {"N": "2"}},
    }
    pages = []
    for _ in range(3):
        page = service.call("Query", request)
        pages.append([each["item"]["S"][-1] for each in page["Items"]])
        assert "LastEvaluatedKey" in page, (
            "also after the last item: nobody knows yet that it is the last"
        )
        request["ExclusiveStartKey"] = page["LastEvaluatedKey"]
    assert pages == [["0", "1"], [], ["3", "4"]]
    service.page_size = lambda: None
    end = service.call("Query", request)
    assert (end["Items"], end.get("LastEvaluatedKey")) == ([], None)


def scripted(*answers: bool) -> Callable[[], bool]:
    left = iter(answers)
    return lambda: next(left)


def test_batches_leave_keys_over(service: DynamoDB) -> None:
    put(service, *[item(f"ITEM#{number}") for number in range(3)])
    keys = [{"client_id": {"S": "alice"}, "item": {"S": f"ITEM#{number}"}} for number in range(3)]
    request = {"accounts": {"Keys": keys, "ConsistentRead": True}}
    service.unprocessed = scripted(False, True, False)
    answer = service.call("BatchGetItem", {"RequestItems": request})
    assert sorted(each["item"]["S"] for each in answer["Responses"]["accounts"]) == [
        "ITEM#0",
        "ITEM#2",
    ]
    assert answer["UnprocessedKeys"] == {"accounts": {"Keys": [keys[1]], "ConsistentRead": True}}
    writes = [{"PutRequest": {"Item": item("NEW")}}, {"DeleteRequest": {"Key": keys[0]}}]
    service.unprocessed = scripted(False, True)
    answer = service.call("BatchWriteItem", {"RequestItems": {"accounts": writes}})
    assert answer["UnprocessedItems"] == {"accounts": [writes[1]]}
    assert len(list(service.items("accounts"))) == 4


def test_a_batch_of_which_nothing_can_be_done_is_refused(service: DynamoDB) -> None:
    service.unprocessed = lambda: True
    for operation, request in (
        ("BatchGetItem", {"accounts": {"Keys": [KEY]}}),
        ("BatchWriteItem", {"accounts": [{"PutRequest": {"Item": item()}}]}),
    ):
        with pytest.raises(ServiceError) as refused:
            service.call(operation, {"RequestItems": request})
        assert refused.value.code == "ProvisionedThroughputExceededException"


def test_changes_list_what_had_an_effect_in_order(service: DynamoDB) -> None:
    key = ("alice", "CASH")
    first, second = item(amount={"N": "1"}), item(amount={"N": "2"})
    put(service, first, first)
    with pytest.raises(ServiceError):
        service.call(
            "PutItem",
            {
                "TableName": "accounts",
                "Item": second,
                "ConditionExpression": "attribute_not_exists(client_id)",
            },
        )
    service.call(
        "TransactWriteItems",
        {
            "TransactItems": [
                {"Put": {"TableName": "accounts", "Item": second}},
                {"Put": {"TableName": "things", "Item": {"id": {"S": "x"}}}},
            ]
        },
    )
    service.call("DeleteItem", {"TableName": "accounts", "Key": KEY})
    service.call("DeleteItem", {"TableName": "accounts", "Key": KEY})
    assert service.changes == [
        Change("accounts", key, None, first),
        Change("accounts", key, first, second),
        Change("things", ("x",), None, {"id": {"S": "x"}}),
        Change("accounts", key, second, None),
    ]


def test_what_has_expired_stays_until_it_is_deleted(service: DynamoDB, clock: Clock) -> None:
    kept = [
        item("TEXT", expires_at={"S": "1"}),
        item("NEVER"),
        item("LATER", expires_at={"N": "1001"}),
    ]
    put(service, *kept, item("NOW", expires_at={"N": "999.5"}))
    assert len(list(service.items("accounts"))) == 4
    service.apply_ttl()
    assert list(service.items("accounts")) == kept
    clock.now += 2
    service.apply_ttl()
    assert list(service.items("accounts")) == kept[:2]
    assert [change.after for change in service.changes[-2:]] == [None, None]


def test_a_request_token_is_forgotten_after_ten_minutes(service: DynamoDB, clock: Clock) -> None:
    add = {"TableName": "things", "Key": {"id": {"S": "x"}}, "UpdateExpression": "ADD amount :one"}
    action = {"Update": {**add, "ExpressionAttributeValues": {":one": {"N": "1"}}}}
    for _ in range(3):
        service.call(
            "TransactWriteItems", {"TransactItems": [action], "ClientRequestToken": "token"}
        )
        clock.now += 301
    assert list(service.items("things")) == [{"id": {"S": "x"}, "amount": {"N": "2"}}]


@pytest.mark.parametrize(
    ("operation", "params"),
    [
        ("CreateTable", {}),
        ("GetItem", {"TableName": "accounts", "Key": KEY, "AttributesToGet": ["amount"]}),
        ("PutItem", {"TableName": "accounts", "Item": item(), "ReturnConsumedCapacity": "TOTAL"}),
        ("Scan", {"TableName": "accounts", "IndexName": "due"}),
        ("TransactWriteItems", {"TransactItems": [], "ReturnConsumedCapacity": "TOTAL"}),
        (
            "UpdateItem",
            {
                "TableName": "accounts",
                "Key": KEY,
                "UpdateExpression": "REMOVE limits.daily",
                "ReturnValues": "UPDATED_OLD",
            },
        ),
    ],
)
def test_what_is_not_simulated_is_not_ignored(
    service: DynamoDB, operation: str, params: dict[str, Any]
) -> None:
    with pytest.raises(NotImplementedError, match="DynamoDB: "):
        service.call(operation, params)
