"""DynamoDB: queries of a table and of a sparse index, scans, and pages."""

from typing import Any

import pytest

from tests.simulation.contracts.dynamodb_tables import Tables, refusal, without

INVALID = "ValidationException"
INDEX = "obligations-due"


def text(value: str) -> dict[str, str]:
    return {"S": value}


def key(client: str, item: str) -> dict[str, Any]:
    return {"client_id": text(client), "item": text(item)}


@pytest.fixture
def accounts(tables: Tables) -> Tables:
    """Two clients with cash, positions and obligations."""
    for client in ("alice", "bob"):
        tables.put({**key(client, "CASH"), "amount": {"N": "1"}}, "accounts")
        for symbol in ("A", "AA", "B"):
            tables.put({**key(client, f"POSITION#{symbol}"), "amount": {"N": "2"}}, "accounts")
        for day in ("05", "06"):
            for trade in ("1", "2", "3"):
                due = {"due_date": text(f"2026-01-{day}"), "amount": {"N": trade}}
                tables.put({**key(client, f"OBLIGATION#2026-01-{day}#{trade}"), **due}, "accounts")
    return tables


def query(tables: Tables, condition: str, values: dict[str, str], **options: Any) -> Any:
    """The answer to a query of the table accounts. #item stands for item."""
    names = {"ExpressionAttributeNames": {"#item": "item"}} if "#item" in condition else {}
    return tables.client.query(
        TableName=tables.accounts,
        KeyConditionExpression=condition,
        ExpressionAttributeValues={name: text(value) for name, value in values.items()},
        **names,
        **options,
    )


def found(tables: Tables, condition: str, **values: str) -> list[str]:
    answer = query(
        tables,
        condition,
        {f":{name}": value for name, value in values.items()},
        ConsistentRead=True,
    )
    return [item["item"]["S"] for item in answer["Items"]]


def test_a_partition_comes_in_the_order_of_its_sort_key(accounts: Tables) -> None:
    items = found(accounts, "client_id = :c", c="alice")
    assert items == sorted(items)
    assert len(items) == 10
    assert found(accounts, "client_id = :c", c="nobody") == []
    backward = query(accounts, "client_id = :c", {":c": "alice"}, ScanIndexForward=False)["Items"]
    assert [item["item"]["S"] for item in backward] == items[::-1]


def test_conditions_on_the_sort_key(accounts: Tables) -> None:
    positions = ["POSITION#A", "POSITION#AA", "POSITION#B"]
    alice = "client_id = :c AND "
    assert found(accounts, alice + "#item = :i", c="alice", i="POSITION#A") == ["POSITION#A"]
    assert found(accounts, alice + "#item = :i", c="alice", i="POSITION") == []
    assert (
        found(accounts, alice + "begins_with(#item, :i)", c="alice", i="POSITION#A")
        == positions[:2]
    )
    assert found(accounts, alice + "begins_with(#item, :i)", c="alice", i="POSITION#") == positions
    assert (
        found(
            accounts, alice + "#item BETWEEN :a AND :b", c="alice", a="POSITION#A", b="POSITION#AA"
        )
        == positions[:2]
    )
    assert found(accounts, alice + "#item BETWEEN :a AND :b", c="alice", a="CASH", b="CASI") == [
        "CASH"
    ]
    assert found(accounts, alice + "#item > :i", c="alice", i="POSITION#A") == positions[1:]
    assert found(accounts, alice + "#item >= :i", c="alice", i="POSITION#A") == positions
    assert found(accounts, alice + "#item < :i", c="alice", i="CASH") == []
    assert found(accounts, alice + "#item <= :i", c="alice", i="CASH") == ["CASH"]
    assert found(accounts, "#item = :i AND client_id = :c", c="bob", i="CASH") == ["CASH"]


def test_an_index_lists_the_keys_of_what_has_its_attributes(accounts: Tables) -> None:
    answer = query(accounts, "due_date = :d", {":d": "2026-01-05"}, IndexName=INDEX)
    assert {(item["client_id"]["S"], item["item"]["S"]) for item in answer["Items"]} == {
        (client, f"OBLIGATION#2026-01-05#{trade}") for client in ("alice", "bob") for trade in "123"
    }
    assert [item["client_id"]["S"] for item in answer["Items"]] == ["alice"] * 3 + ["bob"] * 3
    assert all(item.keys() == {"client_id", "item", "due_date"} for item in answer["Items"])
    after = query(
        accounts,
        "due_date = :d AND client_id > :c",
        {":d": "2026-01-05", ":c": "alice"},
        IndexName=INDEX,
    )
    assert [item["client_id"]["S"] for item in after["Items"]] == ["bob"] * 3


def test_an_index_follows_its_items(accounts: Tables) -> None:
    def due(day: str) -> list[str]:
        answer = query(
            accounts,
            "due_date = :d AND client_id = :c",
            {":d": day, ":c": "alice"},
            IndexName=INDEX,
        )
        return sorted(item["item"]["S"][-1] for item in answer["Items"])

    def update(trade: str, expression: str, **values: Any) -> None:
        accounts.client.update_item(
            TableName=accounts.accounts,
            Key=key("alice", f"OBLIGATION#2026-01-05#{trade}"),
            UpdateExpression=expression,
            **values,
        )

    update("1", "SET due_date = :d", ExpressionAttributeValues={":d": text("2026-01-06")})
    assert (due("2026-01-05"), due("2026-01-06")) == (["2", "3"], ["1", "1", "2", "3"])
    update("2", "REMOVE due_date")
    accounts.client.delete_item(
        TableName=accounts.accounts, Key=key("alice", "OBLIGATION#2026-01-05#3")
    )
    accounts.put({**key("alice", "OBLIGATION#2026-01-06#3"), "amount": {"N": "3"}}, "accounts")
    assert (due("2026-01-05"), due("2026-01-06")) == ([], ["1", "1", "2"])


def every_page(
    tables: Tables, call: Any, **request: Any
) -> tuple[list[tuple[str, str]], list[int]]:
    """The keys of all pages, and the number of evaluated items of each page."""
    items: list[tuple[str, str]] = []
    evaluated = []
    while True:
        answer = call(TableName=tables.accounts, **request)
        items += [(item["client_id"]["S"], item["item"]["S"]) for item in answer["Items"]]
        evaluated.append(answer["ScannedCount"])
        assert answer["Count"] == len(answer["Items"])
        if "LastEvaluatedKey" not in answer:
            return items, evaluated
        request["ExclusiveStartKey"] = answer["LastEvaluatedKey"]


@pytest.mark.parametrize("limit", [3, 10])
@pytest.mark.parametrize("forward", [True, False])
def test_pages_of_a_query_follow_each_other(accounts: Tables, limit: int, forward: bool) -> None:
    items, evaluated = every_page(
        accounts,
        accounts.client.query,
        KeyConditionExpression="client_id = :c",
        ExpressionAttributeValues={":c": text("alice")},
        ScanIndexForward=forward,
        Limit=limit,
    )
    assert [item for _, item in items] == sorted((item for _, item in items), reverse=not forward)
    assert len(set(items)) == len(items) == 10
    assert max(evaluated) <= limit


@pytest.mark.parametrize("limit", [2, 6])
@pytest.mark.parametrize("forward", [True, False])
def test_pages_of_an_index_follow_each_other(accounts: Tables, limit: int, forward: bool) -> None:
    items, _ = every_page(
        accounts,
        accounts.client.query,
        IndexName=INDEX,
        KeyConditionExpression="due_date = :d",
        ExpressionAttributeValues={":d": text("2026-01-06")},
        ScanIndexForward=forward,
        Limit=limit,
    )
    assert [client for client, _ in items] == sorted(
        (client for client, _ in items), reverse=not forward
    )
    assert len(set(items)) == len(items) == 6


def test_a_filter_takes_away_after_the_limit_has_counted(accounts: Tables) -> None:
    request: dict[str, Any] = {
        "KeyConditionExpression": "client_id = :c",
        "FilterExpression": "amount >= :two",
        "ExpressionAttributeValues": {":c": text("alice"), ":two": {"N": "2"}},
    }
    items, evaluated = every_page(accounts, accounts.client.query, **request, Limit=2)
    assert len(items) == 7
    assert sum(evaluated) == 10
    count = accounts.client.query(TableName=accounts.accounts, **request, Select="COUNT")
    assert (count["Count"], count["ScannedCount"], count.get("Items")) == (7, 10, None)


def test_a_query_projects(accounts: Tables) -> None:
    answer = query(
        accounts,
        "client_id = :c AND begins_with(#item, :i)",
        {":c": "bob", ":i": "C"},
        ProjectionExpression="amount",
    )
    assert answer["Items"] == [{"amount": {"N": "1"}}]


@pytest.mark.parametrize("limit", [7, 20])
def test_a_scan_finds_every_item_once(accounts: Tables, limit: int) -> None:
    items, evaluated = every_page(accounts, accounts.client.scan, Limit=limit, ConsistentRead=True)
    assert len(set(items)) == len(items) == sum(evaluated) == 20


def test_segments_of_a_scan_share_the_items(accounts: Tables) -> None:
    segments = [
        every_page(accounts, accounts.client.scan, Segment=segment, TotalSegments=3, Limit=4)[0]
        for segment in range(3)
    ]
    assert sorted(item for segment in segments for item in segment) == sorted(
        every_page(accounts, accounts.client.scan)[0]
    )


def test_a_scan_filters_and_projects(accounts: Tables) -> None:
    answer = accounts.client.scan(
        TableName=accounts.accounts,
        FilterExpression="begins_with(#item, :o) AND amount = :one",
        ProjectionExpression="due_date",
        ExpressionAttributeNames={"#item": "item"},
        ExpressionAttributeValues={":o": text("O"), ":one": {"N": "1"}},
    )
    assert (
        sorted(item["due_date"]["S"] for item in answer["Items"])
        == ["2026-01-05"] * 2 + ["2026-01-06"] * 2
    )
    assert all(item.keys() == {"due_date"} for item in answer["Items"])


def test_a_page_ends_after_a_megabyte(tables: Tables) -> None:
    for number in range(4):
        tables.put({**key("alice", str(number)), "label": text("x" * 300_000)}, "accounts")
    request = {
        "KeyConditionExpression": "client_id = :c",
        "ExpressionAttributeValues": {":c": text("alice")},
    }
    items, evaluated = every_page(tables, tables.client.query, **request)
    assert len(items) == 4
    assert len(evaluated) == 2
    assert len(every_page(tables, tables.client.scan)[1]) == 2


IMPOSSIBLE: dict[str, dict[str, Any]] = {
    "no partition": {"KeyConditionExpression": "#item = :v"},
    "a range of partitions": {"KeyConditionExpression": "client_id > :v"},
    "another attribute": {"KeyConditionExpression": "client_id = :v AND amount = :v"},
    "either": {"KeyConditionExpression": "client_id = :v OR #item = :v"},
    "not": {"KeyConditionExpression": "client_id = :v AND NOT #item = :v"},
    "unequal": {"KeyConditionExpression": "client_id = :v AND #item <> :v"},
    "contains": {"KeyConditionExpression": "client_id = :v AND contains(#item, :v)"},
    "empty": {"KeyConditionExpression": "client_id = :empty"},
    "a number": {"KeyConditionExpression": "client_id = :number"},
    "no such index": {"KeyConditionExpression": "client_id = :v", "IndexName": "none"},
    "the table's key in an index": {"KeyConditionExpression": "client_id = :v", "IndexName": INDEX},
    "an index read consistently": {
        "KeyConditionExpression": "due_date = :v",
        "IndexName": INDEX,
        "ConsistentRead": True,
    },
    "all attributes of an index": {
        "KeyConditionExpression": "due_date = :v",
        "IndexName": INDEX,
        "Select": "ALL_ATTRIBUTES",
    },
    "a filter on the key": {
        "KeyConditionExpression": "client_id = :v",
        "FilterExpression": "#item = :v",
    },
    "a start elsewhere": {
        "KeyConditionExpression": "client_id = :v",
        "ExclusiveStartKey": key("other", "CASH"),
    },
    "half a start": {
        "KeyConditionExpression": "client_id = :v",
        "ExclusiveStartKey": {"client_id": text("v")},
    },
    "a reserved word": {"KeyConditionExpression": "client_id = :v AND item = :v"},
    "not used": {
        "KeyConditionExpression": "client_id = :v",
        "ExpressionAttributeNames": {"#item": "item"},
    },
}


def tried(tables: Tables, request: dict[str, Any]) -> str:
    texts = " ".join(value for value in request.values() if isinstance(value, str))
    values: dict[str, Any] = {":v": text("v"), ":empty": text(""), ":number": {"N": "1"}}
    names = {"ExpressionAttributeNames": {"#item": "item"}} if "#item" in texts else {}
    return refusal(
        tables.client.query,
        TableName=tables.accounts,
        ExpressionAttributeValues={name: value for name, value in values.items() if name in texts},
        **(names | request),
    )


def accepted(tables: Tables, *names: str) -> list[str]:
    """The invalid queries that are accepted although they should be refused."""
    return [name for name in names if tried(tables, IMPOSSIBLE[name]) != INVALID]


def test_queries_that_cannot_be(tables: Tables) -> None:
    assert not accepted(
        tables, "no partition", "a range of partitions", "another attribute", "empty", "not used"
    )
    assert not accepted(tables, "the table's key in an index", "an index read consistently")


@without(local="does not check everything")
def test_queries_that_can_only_be_locally(tables: Tables) -> None:
    assert not accepted(tables, "contains", "all attributes of an index")


@without(moto="does not check everything, and does not know an index by another code")
def test_queries_that_can_only_be_in_moto(tables: Tables) -> None:
    assert not accepted(tables, "a number", "no such index", "a start elsewhere", "half a start")


@without(moto="does not check everything", local="does not check everything")
def test_queries_that_are_refused_by_aws_alone(tables: Tables) -> None:
    assert not accepted(
        tables, "either", "not", "unequal", "a filter on the key", "a reserved word"
    )


def test_segments_that_cannot_be(tables: Tables) -> None:
    def scan(**options: Any) -> str:
        return refusal(tables.client.scan, TableName=tables.accounts, **options)

    assert scan(Segment=0, TotalSegments=1) == ""
    assert scan(Segment=2, TotalSegments=2) == INVALID
    assert scan(Segment=0) == INVALID
