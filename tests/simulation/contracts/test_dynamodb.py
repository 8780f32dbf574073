"""DynamoDB: single items are put, read and deleted, and invalid requests are refused."""

from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.simulation.contracts.dynamodb_tables import Tables, refusal, without

KEY = {"id": {"S": "a"}}
CONDITION_FAILED = "ConditionalCheckFailedException"
INVALID = "ValidationException"


def number(text: str) -> dict[str, str]:
    return {"N": text}


def test_an_item_is_there_once_it_is_put_and_gone_once_it_is_deleted(tables: Tables) -> None:
    assert tables.get(KEY) is None
    tables.put({**KEY, "amount": number("1")})
    assert tables.get(KEY) == {**KEY, "amount": number("1")}
    tables.put({**KEY, "label": {"S": ""}})
    assert tables.get(KEY) == {**KEY, "label": {"S": ""}}
    tables.client.delete_item(TableName=tables.things, Key=KEY)
    assert tables.get(KEY) is None
    tables.client.delete_item(TableName=tables.things, Key=KEY)


def test_items_of_a_partition_are_told_apart_by_their_sort_key(tables: Tables) -> None:
    keys = [
        {"client_id": {"S": client}, "item": {"S": item}}
        for client in "ab"
        for item in ("CASH", "POSITION#A")
    ]
    for key in keys:
        tables.put({**key, "of": key["item"]}, "accounts")
    assert [tables.get(key, "accounts") for key in keys] == [
        {**key, "of": key["item"]} for key in keys
    ]


def test_every_type_comes_back_as_it_went(tables: Tables) -> None:
    item: dict[str, Any] = {
        **KEY,
        "list": {"L": [{"S": "x"}, {"N": "-1.5"}, {"L": []}, {"M": {"deep": {"NULL": True}}}]},
        "map": {"M": {"open": {"BOOL": False}, "bytes": {"B": b"\x00"}}},
        "number_set": {"NS": ["1", "2"]},
        "string_set": {"SS": ["a", "b"]},
    }
    tables.put(item)
    assert tables.get(KEY) == item


@without(moto="gives a number back as it was written")
def test_numbers_are_trimmed(tables: Tables) -> None:
    numbers = {
        "10.00": "10",
        "007": "7",
        "1E+3": "1000",
        "-0.50": "-0.5",
        "0.000": "0",
        "-0": "0",
        "1e-3": "0.001",
    }
    read = {}
    for written in numbers:
        tables.put({**KEY, "amount": number(written)})
        read[written] = tables.get(KEY)["amount"]["N"]
    assert read == numbers


def test_a_condition_decides_on_the_item_that_is_there(tables: Tables) -> None:
    new = {"ConditionExpression": "attribute_not_exists(id)"}
    version = {
        "ConditionExpression": "version = :v",
        "ExpressionAttributeValues": {":v": number("1")},
    }
    assert refusal(tables.put, item={**KEY, "version": number("1")}, **version) == CONDITION_FAILED
    assert refusal(tables.put, item={**KEY, "version": number("1")}, **new) == ""
    assert refusal(tables.put, item={**KEY, "version": number("1")}, **new) == CONDITION_FAILED
    assert refusal(tables.put, item={**KEY, "version": number("2")}, **version) == ""
    assert refusal(tables.put, item={**KEY, "version": number("3")}, **version) == CONDITION_FAILED
    assert tables.get(KEY) == {**KEY, "version": number("2")}
    assert (
        refusal(tables.client.delete_item, TableName=tables.things, Key=KEY, **version)
        == CONDITION_FAILED
    )
    version["ExpressionAttributeValues"] = {":v": number("2")}
    assert refusal(tables.client.delete_item, TableName=tables.things, Key=KEY, **version) == ""
    exists = {"ConditionExpression": "attribute_exists(id)"}
    assert (
        refusal(tables.client.delete_item, TableName=tables.things, Key=KEY, **exists)
        == CONDITION_FAILED
    )
    assert (
        refusal(tables.client.update_item, TableName=tables.things, Key=KEY, **exists)
        == CONDITION_FAILED
    )


@pytest.mark.parametrize("asked", [True, False])
def test_a_failed_condition_shows_the_item_when_asked_to(tables: Tables, asked: bool) -> None:
    item = {**KEY, "amount": number("1")}
    tables.put(item)
    options: dict[str, Any] = {"ReturnValuesOnConditionCheckFailure": "ALL_OLD"} if asked else {}
    with pytest.raises(ClientError) as refused:
        tables.put(item, ConditionExpression="attribute_not_exists(id)", **options)
    assert refused.value.response.get("Item") == (item if asked else None)
    with pytest.raises(ClientError) as refused:
        tables.client.update_item(
            TableName=tables.things,
            Key=KEY,
            UpdateExpression="SET amount = :two",
            ConditionExpression="amount = :two",
            ExpressionAttributeValues={":two": number("2")},
            **options,
        )
    assert refused.value.response.get("Item") == (item if asked else None)


def test_what_a_put_or_a_delete_replaced_is_answered_when_asked_for(tables: Tables) -> None:
    first = tables.put({**KEY, "amount": number("1")}, ReturnValues="ALL_OLD")
    second = tables.put({**KEY, "amount": number("2")}, ReturnValues="ALL_OLD")
    deleted = tables.client.delete_item(TableName=tables.things, Key=KEY, ReturnValues="ALL_OLD")
    again = tables.client.delete_item(TableName=tables.things, Key=KEY, ReturnValues="ALL_OLD")
    assert [each.get("Attributes") for each in (first, second, deleted, again)] == [
        None,
        {**KEY, "amount": number("1")},
        {**KEY, "amount": number("2")},
        None,
    ]


DOCUMENT: dict[str, Any] = {
    "amount": {"N": "10"},
    "label": {"S": "x"},
    "events": {"L": [{"S": "a"}, {"S": "b"}]},
    "limits": {"M": {"daily": {"N": "5"}, "weekly": {"N": "9"}}},
}


def test_projections(tables: Tables) -> None:
    tables.put({**KEY, **DOCUMENT})
    projected = {
        "amount": {"amount": {"N": "10"}},
        "amount, label, absent": {"amount": {"N": "10"}, "label": {"S": "x"}},
        "limits.daily": {"limits": {"M": {"daily": {"N": "5"}}}},
        "#new, events[1]": {"events": {"L": [{"S": "b"}]}},
    }
    names: dict[str, Any] = {"ExpressionAttributeNames": {"#new": "new"}}
    assert projected == {
        text: tables.get(KEY, ProjectionExpression=text, **(names if "#new" in text else {}))
        for text in projected
    }


ITEM = {**KEY, "amount": number("1")}
ACCOUNT = {"client_id": {"S": "a"}, "item": {"S": "CASH"}}
IMPOSSIBLE: dict[str, tuple[str, dict[str, Any]]] = {
    "no key": ("things", {"amount": number("1")}),
    "an empty key": ("things", {"id": {"S": ""}}),
    "a key of another type": ("things", {"id": number("1")}),
    "half a key": ("accounts", {"client_id": {"S": "a"}}),
    "more than 400 KB": ("things", {**KEY, "label": {"S": "x" * 400 * 1024}}),
    "no number": ("things", {**KEY, "amount": number("one")}),
    "an empty set": ("things", {**KEY, "tags": {"SS": []}}),
}
POSSIBLE_IN_MOTO: dict[str, tuple[str, dict[str, Any]]] = {
    "an index's key of another type": ("accounts", {**ACCOUNT, "due_date": number("20260105")}),
    "an index's empty key": ("accounts", {**ACCOUNT, "due_date": {"S": ""}}),
    "39 digits": ("things", {**KEY, "amount": number("1" * 39)}),
    "too much": ("things", {**KEY, "amount": number("1E126")}),
    "too little": ("things", {**KEY, "amount": number("1E-131")}),
    "a number as in Python": ("things", {**KEY, "amount": number("1_000")}),
    "not a number": ("things", {**KEY, "amount": number("NaN")}),
    "a text twice in a set": ("things", {**KEY, "tags": {"SS": ["a", "a"]}}),
    "a number twice in a set": ("things", {**KEY, "days": {"NS": ["1", "1.0"]}}),
    "nothing": ("things", {**KEY, "value": {}}),
    "a partition key of 2049 bytes": ("things", {"id": {"S": "x" * 2049}}),
    "a sort key of 1026 bytes": ("accounts", {**ACCOUNT, "item": {"S": "é" * 513}}),
}


def put_outcomes(tables: Tables, items: dict[str, tuple[str, dict[str, Any]]]) -> dict[str, str]:
    return {
        name: refusal(tables.put, item=item, table=table) for name, (table, item) in items.items()
    }


def test_items_that_cannot_be_put(tables: Tables) -> None:
    assert put_outcomes(tables, IMPOSSIBLE) == dict.fromkeys(IMPOSSIBLE, INVALID)


@without(moto="does not check everything")
def test_items_that_can_only_be_put_in_moto(tables: Tables) -> None:
    assert put_outcomes(tables, POSSIBLE_IN_MOTO) == dict.fromkeys(POSSIBLE_IN_MOTO, INVALID)


def key_outcomes(tables: Tables, key: dict[str, Any]) -> list[str]:
    calls = (tables.client.get_item, tables.client.delete_item, tables.client.update_item)
    return [refusal(call, TableName=tables.accounts, Key=key) for call in calls]


def test_keys_that_do_not_fit(tables: Tables) -> None:
    unfit: list[dict[str, Any]] = [{}, {"client_id": {"S": "a"}}, {**ACCOUNT, "more": {"S": "x"}}]
    assert [key_outcomes(tables, key) for key in unfit] == [[INVALID] * 3] * 3


@without(moto="finds nothing under a key of another type")
def test_keys_of_another_type(tables: Tables) -> None:
    assert key_outcomes(tables, {**ACCOUNT, "item": number("1")}) == [INVALID] * 3


def test_an_update_must_not_make_an_item_too_large(tables: Tables) -> None:
    tables.put({**KEY, "events": {"L": [{"S": "x" * 300_000}]}})
    update: dict[str, Any] = {
        "UpdateExpression": "SET events = list_append(events, :more)",
        "ExpressionAttributeValues": {":more": {"L": [{"S": "x" * 110_000}]}},
    }
    assert refusal(tables.client.update_item, TableName=tables.things, Key=KEY, **update) == INVALID


@without(moto="does not look for what is not used, or fails without an answer")
def test_placeholders_must_be_those_that_are_used(tables: Tables) -> None:
    exists = {"ConditionExpression": "attribute_exists(id)"}
    misplaced: list[dict[str, Any]] = [
        {"ExpressionAttributeValues": {":v": number("1")}},
        {
            "ConditionExpression": "amount = :v",
            "ExpressionAttributeValues": {":v": number("1"), ":w": number("1")},
        },
        {**exists, "ExpressionAttributeNames": {"#id": "id"}},
        {**exists, "ExpressionAttributeNames": {}},
        {**exists, "ExpressionAttributeValues": {}},
        {"ConditionExpression": "attribute_exists(#id)"},
    ]
    tables.put(ITEM)
    assert [refusal(tables.put, item=ITEM, **options) for options in misplaced] == [INVALID] * len(
        misplaced
    )


def test_a_put_answers_nothing_new(tables: Tables) -> None:
    assert refusal(tables.put, item=ITEM, ReturnValues="ALL_NEW") == INVALID


def test_a_table_that_does_not_exist_is_not_found(tables: Tables) -> None:
    name = "no-such-table"
    requests: dict[Any, dict[str, Any]] = {
        tables.client.get_item: {"TableName": name, "Key": KEY},
        tables.client.put_item: {"TableName": name, "Item": ITEM},
        tables.client.update_item: {"TableName": name, "Key": KEY},
        tables.client.delete_item: {"TableName": name, "Key": KEY},
        tables.client.scan: {"TableName": name},
        tables.client.batch_get_item: {"RequestItems": {name: {"Keys": [KEY]}}},
        tables.client.batch_write_item: {"RequestItems": {name: [{"PutRequest": {"Item": ITEM}}]}},
        tables.client.transact_write_items: {
            "TransactItems": [{"Put": {"TableName": name, "Item": ITEM}}]
        },
    }
    answers = [refusal(call, **request) for call, request in requests.items()]
    assert answers == ["ResourceNotFoundException"] * len(requests)
