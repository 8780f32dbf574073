"""For any sequence of actions, the simulated DynamoDB and moto give the same answers."""

from typing import Any

import pytest
from botocore.exceptions import ClientError
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.simulation.contracts.dynamodb_tables import SPECS, Tables, tables_in

KEYS = [
    {"client_id": {"S": client}, "item": {"S": item}}
    for client in ("alice", "bob")
    for item in ("CASH", "OBLIGATION#1", "OBLIGATION#2", "POSITION#A")
]
CONDITIONS: list[dict[str, Any]] = [
    {},
    {"ConditionExpression": "attribute_not_exists(client_id)"},
    {"ConditionExpression": "attribute_exists(client_id) AND NOT attribute_exists(due_date)"},
    {"ConditionExpression": "version = :v", "ExpressionAttributeValues": {":v": {"N": "1"}}},
    {
        "ConditionExpression": "attribute_not_exists(version) OR version BETWEEN :v AND :w",
        "ExpressionAttributeValues": {":v": {"N": "2"}, ":w": {"N": "10"}},
    },
]
UPDATES: list[tuple[str, dict[str, Any]]] = [
    (
        "SET version = if_not_exists(version, :zero) + :one",
        {":zero": {"N": "0"}, ":one": {"N": "1"}},
    ),
    ("ADD version :one SET due_date = :day", {":one": {"N": "1"}, ":day": {"S": "2026-01-06"}}),
    ("REMOVE due_date", {}),
    ("ADD tags :tags REMOVE version", {":tags": {"SS": ["red"]}}),
]

keys = st.sampled_from(KEYS)
conditions = st.sampled_from(CONDITIONS)
days = st.sampled_from([{}, {"due_date": {"S": "2026-01-05"}}, {"due_date": {"S": "2026-01-06"}}])


def _put(key: dict[str, Any], condition: dict[str, Any], day: dict[str, Any], version: int) -> Any:
    return "Put", key, {"Item": {**key, **day, "version": {"N": str(version)}}, **condition}


def _update(
    key: dict[str, Any], condition: dict[str, Any], update: tuple[str, dict[str, Any]]
) -> Any:
    values = {**condition.get("ExpressionAttributeValues", {}), **update[1]}
    parts: dict[str, Any] = {"Key": key, "UpdateExpression": update[0], **condition}
    return "Update", key, parts | ({"ExpressionAttributeValues": values} if values else {})


def _delete(key: dict[str, Any], condition: dict[str, Any]) -> Any:
    return "Delete", key, {"Key": key, **condition}


def _check(key: dict[str, Any], condition: dict[str, Any]) -> Any:
    return "ConditionCheck", key, {"Key": key, **condition}


writes = st.one_of(
    st.builds(_put, keys, conditions, days, st.integers(1, 12)),
    st.builds(_update, keys, conditions, st.sampled_from(UPDATES)),
    st.builds(_delete, keys, conditions),
)
checks = st.builds(_check, keys, st.sampled_from(CONDITIONS[1:]))
transactions = st.lists(
    st.one_of(writes, checks), min_size=1, max_size=5, unique_by=lambda action: str(action[1])
)
queries = st.builds(
    lambda client, prefix, forward, limit: (
        "client_id = :p AND begins_with(#sort, :s)",
        client,
        prefix,
        forward,
        limit,
    ),
    st.sampled_from(["alice", "bob", "carol"]),
    st.sampled_from(["C", "OBLIGATION#", "P", "X"]),
    st.booleans(),
    st.integers(1, 4),
)
actions = st.one_of(writes, transactions, queries)


def answer(tables: Tables, action: Any) -> Any:
    """The result of an action, in a form that can be compared."""
    client, table = tables.client, {"TableName": tables.accounts}
    try:
        if isinstance(action, list):
            items = [{kind: {**table, **params}} for kind, _, params in action]
            return client.transact_write_items(TransactItems=items).get("CancellationReasons")
        if len(action) == 5:
            return _found(tables, *action)
        kind, _, params = action
        call = {"Put": client.put_item, "Update": client.update_item, "Delete": client.delete_item}[
            kind
        ]
        return call(**table, **params, ReturnValues="ALL_OLD").get("Attributes")
    except ClientError as error:
        reasons = error.response.get("CancellationReasons", [])
        return error.response["Error"]["Code"], [reason["Code"] for reason in reasons]


def _found(
    tables: Tables, condition: str, partition: str, prefix: str, forward: bool, limit: int
) -> Any:
    pages = tables.client.get_paginator("query").paginate(
        TableName=tables.accounts,
        KeyConditionExpression=condition,
        ExpressionAttributeNames={"#sort": "item"},
        ExpressionAttributeValues={":p": {"S": partition}, ":s": {"S": prefix}},
        ScanIndexForward=forward,
        PaginationConfig={"PageSize": limit},
    )
    return [item for page in pages for item in page["Items"]]


def everything(tables: Tables) -> Any:
    """All items and the entries of the index, sorted, because DynamoDB promises no order."""
    due = [
        tables.client.query(
            TableName=tables.accounts,
            IndexName="obligations-due",
            KeyConditionExpression="due_date = :d",
            ExpressionAttributeValues={":d": {"S": day}},
        )["Items"]
        for day in ("2026-01-05", "2026-01-06")
    ]
    listed = [tables.client.scan(TableName=tables.accounts)["Items"], *due]
    return [
        sorted(items, key=lambda item: (item["client_id"]["S"], item["item"]["S"]))
        for items in listed
    ]


@given(st.lists(actions, min_size=5, max_size=25))
@settings(
    max_examples=40,
    derandomize=True,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
def test_both_give_the_same_answers(request: pytest.FixtureRequest, sequence: list[Any]) -> None:
    simulated, moto = (tables_in(backend, request, SPECS) for backend in ("simulated", "moto"))
    for action in sequence:
        assert answer(simulated, action) == answer(moto, action), action
    assert everything(simulated) == everything(moto)
