"""DynamoDB: putting, getting, updating and deleting single items, and what is refused."""

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
    keys = [{"client_id": {"S": client}, "item": {"S": item}} for client in "ab" for item in ("CASH", "POSITION#A")]
    for key in keys:
        tables.put({**key, "of": key["item"]}, "accounts")
    assert [tables.get(key, "accounts") for key in keys] == [{**key, "of": key["item"]} for key in keys]


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
@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("10.00", "10"),
        ("007", "7"),
        ("1E+3", "1000"),
        ("-0.50", "-0.5"),
        ("0.000", "0"),
        ("-0", "0"),
        ("1e-3", "0.001"),
    ],
)
def test_numbers_are_trimmed(tables: Tables, written: str, read: str) -> None:
    tables.put({**KEY, "amount": number(written)})
    assert tables.get(KEY) == {**KEY, "amount": number(read)}


def test_a_condition_decides_on_the_item_that_is_there(tables: Tables) -> None:
    new = {"ConditionExpression": "attribute_not_exists(id)"}
    version = {"ConditionExpression": "version = :v", "ExpressionAttributeValues": {":v": number("1")}}
    assert refusal(tables.put, item={**KEY, "version": number("1")}, **version) == CONDITION_FAILED
    assert refusal(tables.put, item={**KEY, "version": number("1")}, **new) == ""
    assert refusal(tables.put, item={**KEY, "version": number("1")}, **new) == CONDITION_FAILED
    assert refusal(tables.put, item={**KEY, "version": number("2")}, **version) == ""
    assert refusal(tables.put, item={**KEY, "version": number("3")}, **version) == CONDITION_FAILED
    assert tables.get(KEY) == {**KEY, "version": number("2")}
    assert refusal(tables.client.delete_item, TableName=tables.things, Key=KEY, **version) == CONDITION_FAILED
    version["ExpressionAttributeValues"] = {":v": number("2")}
    assert refusal(tables.client.delete_item, TableName=tables.things, Key=KEY, **version) == ""
    exists = {"ConditionExpression": "attribute_exists(id)"}
    assert refusal(tables.client.delete_item, TableName=tables.things, Key=KEY, **exists) == CONDITION_FAILED
    assert refusal(tables.client.update_item, TableName=tables.things, Key=KEY, **exists) == CONDITION_FAILED


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


BEFORE: dict[str, Any] = {
    "amount": {"N": "10"},
    "label": {"S": "x"},
    "events": {"L": [{"S": "a"}, {"S": "b"}, {"S": "c"}]},
    "limits": {"M": {"daily": {"N": "5"}}},
    "tags": {"SS": ["blue", "red"]},
}
VALUES: dict[str, Any] = {
    ":one": {"N": "1"},
    ":text": {"S": "y"},
    ":list": {"L": [{"S": "d"}]},
    ":tags": {"SS": ["green", "red"]},
    ":both": {"SS": ["blue", "red"]},
}
UPDATES: list[tuple[str, dict[str, Any]]] = [
    ("SET label = :text", {"label": {"S": "y"}}),
    ("SET label = :text, #new = :one", {"label": {"S": "y"}, "new": {"N": "1"}}),
    ("SET amount = amount + :one", {"amount": {"N": "11"}}),
    ("SET amount = amount - :one", {"amount": {"N": "9"}}),
    ("SET amount = :one, fresh = amount", {"amount": {"N": "1"}, "fresh": {"N": "10"}}),
    ("SET fresh = if_not_exists(fresh, :one)", {"fresh": {"N": "1"}}),
    ("SET amount = if_not_exists(amount, :one)", {}),
    ("SET fresh = if_not_exists(fresh, amount) + :one", {"fresh": {"N": "11"}}),
    ("SET events = list_append(events, :list)", {"events": {"L": [{"S": "a"}, {"S": "b"}, {"S": "c"}, {"S": "d"}]}}),
    ("SET events = list_append(:list, events)", {"events": {"L": [{"S": "d"}, {"S": "a"}, {"S": "b"}, {"S": "c"}]}}),
    ("SET events[1] = :text", {"events": {"L": [{"S": "a"}, {"S": "y"}, {"S": "c"}]}}),
    ("SET events[9] = :text", {"events": {"L": [{"S": "a"}, {"S": "b"}, {"S": "c"}, {"S": "y"}]}}),
    ("SET limits.daily = limits.daily + :one", {"limits": {"M": {"daily": {"N": "6"}}}}),
    ("SET limits.weekly = :one", {"limits": {"M": {"daily": {"N": "5"}, "weekly": {"N": "1"}}}}),
    ("REMOVE label", {"label": None}),
    ("REMOVE label, absent, limits.daily", {"label": None, "limits": {"M": {}}}),
    ("ADD amount :one", {"amount": {"N": "11"}}),
    ("ADD fresh :one", {"fresh": {"N": "1"}}),
    ("ADD tags :tags", {"tags": {"SS": ["blue", "green", "red"]}}),
    ("ADD fresh :tags", {"fresh": {"SS": ["green", "red"]}}),
    ("DELETE tags :tags", {"tags": {"SS": ["blue"]}}),
    ("DELETE tags :both", {"tags": None}),
    ("DELETE fresh :both", {}),
    ("ADD amount :one SET label = :text REMOVE limits", {"amount": {"N": "11"}, "label": {"S": "y"}, "limits": None}),
]


def updated(tables: Tables, expression: str, **options: Any) -> Any:
    """UpdateItem with the placeholders that the expression uses."""
    words = expression.replace(",", " ").replace("(", " ").replace(")", " ").split()
    values = {placeholder: value for placeholder, value in VALUES.items() if placeholder in words}
    return tables.client.update_item(
        TableName=tables.things,
        Key=KEY,
        UpdateExpression=expression,
        **({"ExpressionAttributeValues": values} if values else {}),
        **({"ExpressionAttributeNames": {"#new": "new"}} if "#new" in words else {}),
        **options,
    )


def in_order(item: dict[str, Any]) -> dict[str, Any]:
    """An item with its sets sorted: they have no order."""
    return {name: {"SS": sorted(value["SS"])} if "SS" in value else value for name, value in item.items()}


def test_updates_change_what_they_name(tables: Tables) -> None:
    outcomes = {}
    for expression, _ in UPDATES:
        tables.put({**KEY, **BEFORE})
        updated(tables, expression)
        after = in_order(tables.get(KEY))
        outcomes[expression] = {
            name: after.get(name) for name in after.keys() | BEFORE.keys() if after.get(name) != BEFORE.get(name)
        }
        del outcomes[expression]["id"]
    assert outcomes == dict(UPDATES)


@without(local="removes one element after the other, each from what then remains")
def test_elements_are_removed_at_once(tables: Tables) -> None:
    tables.put({**KEY, **BEFORE})
    updated(tables, "REMOVE events[0], events[2]")
    assert tables.get(KEY) == {**KEY, **BEFORE, "events": {"L": [{"S": "b"}]}}


def test_an_update_may_use_every_clause_once(tables: Tables) -> None:
    tables.put({**KEY, **BEFORE})
    updated(tables, "REMOVE events[0] DELETE tags :both SET limits.daily = :one ADD amount :one")
    assert tables.get(KEY) == {
        **KEY,
        "amount": {"N": "11"},
        "label": {"S": "x"},
        "events": {"L": [{"S": "b"}, {"S": "c"}]},
        "limits": {"M": {"daily": {"N": "1"}}},
    }


def test_an_update_makes_an_item_that_is_not_there(tables: Tables) -> None:
    updated(tables, "ADD amount :one SET label = :text REMOVE absent")
    assert tables.get(KEY) == {**KEY, "amount": {"N": "1"}, "label": {"S": "y"}}


@without(moto="fails without an answer")
def test_an_update_of_nothing_makes_an_item_of_its_key(tables: Tables) -> None:
    tables.client.update_item(TableName=tables.things, Key=KEY)
    assert tables.get(KEY) == KEY


FIRST: dict[str, Any] = {"amount": number("1"), "label": {"S": "y"}}
SECOND: dict[str, Any] = {"amount": number("2"), "label": {"S": "y"}}


def answers_of_two_updates(tables: Tables, returned: str) -> list[Any]:
    update = "ADD amount :one SET label = :text"
    return [updated(tables, update, ReturnValues=returned).get("Attributes") for _ in range(2)]


@pytest.mark.parametrize(
    ("returned", "first", "second"),
    [
        ("NONE", None, None),
        ("ALL_NEW", {**KEY, **FIRST}, {**KEY, **SECOND}),
        ("ALL_OLD", None, {**KEY, **FIRST}),
    ],
)
def test_an_update_answers_the_item_when_asked_to(tables: Tables, returned: str, first: Any, second: Any) -> None:
    assert answers_of_two_updates(tables, returned) == [first, second]


@without(moto="answers the key as well, and leaves out what stayed the same")
@pytest.mark.parametrize(
    ("returned", "first", "second"), [("UPDATED_NEW", FIRST, SECOND), ("UPDATED_OLD", None, FIRST)]
)
def test_an_update_answers_what_it_named_when_asked_to(tables: Tables, returned: str, first: Any, second: Any) -> None:
    assert answers_of_two_updates(tables, returned) == [first, second]


IMPOSSIBLE = [
    "",
    "SET limits = :one, limits.daily = :one",
    "SET amount = absent",
    "SET amount = absent + :one",
    "SET amount = unknown(amount, :list)",
    "SET absent.daily = :one",
    "SET id = :text",
    "SET status = :text",
    "REMOVE id",
    "ADD label :one",
    "ADD amount :text",
    "ADD tags :one",
    "DELETE label :tags",
    "DELETE tags :one",
    "INSERT amount :one",
]
POSSIBLE_LOCALLY = [
    "SET",
    "SET amount",
    "SET amount = ",
    "SET amount = :one SET label = :text",
    "SET amount = :one, amount = :one",
    "SET amount = amount + :text",
    "SET amount = list_append(amount, :list)",
]
POSSIBLE_IN_MOTO = ["SET label.daily = :one"]


def refusals(tables: Tables, expressions: list[str]) -> dict[str, str]:
    tables.put({**KEY, **BEFORE})
    outcomes = {expression: refusal(updated, tables=tables, expression=expression) for expression in expressions}
    assert in_order(tables.get(KEY)) == {**KEY, **BEFORE}
    return outcomes


def test_updates_that_cannot_be(tables: Tables) -> None:
    assert refusals(tables, IMPOSSIBLE) == dict.fromkeys(IMPOSSIBLE, INVALID)


@without(local="does not check everything")
def test_updates_that_can_only_be_locally(tables: Tables) -> None:
    assert refusals(tables, POSSIBLE_LOCALLY) == dict.fromkeys(POSSIBLE_LOCALLY, INVALID)


@without(moto="makes a map of a text")
def test_updates_that_can_only_be_in_moto(tables: Tables) -> None:
    assert refusals(tables, POSSIBLE_IN_MOTO) == dict.fromkeys(POSSIBLE_IN_MOTO, INVALID)


def test_projections(tables: Tables) -> None:
    tables.put({**KEY, **BEFORE})
    projected = {
        "amount": {"amount": {"N": "10"}},
        "amount, label, absent": {"amount": {"N": "10"}, "label": {"S": "x"}},
        "limits.daily": {"limits": {"M": {"daily": {"N": "5"}}}},
        "#new, events[1]": {"events": {"L": [{"S": "b"}]}},
    }
    names: dict[str, Any] = {"ExpressionAttributeNames": {"#new": "new"}}
    assert projected == {
        text: tables.get(KEY, ProjectionExpression=text, **(names if "#new" in text else {})) for text in projected
    }


ITEM = {**KEY, "amount": number("1")}
ACCOUNT = {"client_id": {"S": "a"}, "item": {"S": "CASH"}}


@pytest.mark.parametrize(
    ("item", "table"),
    [
        ({"amount": number("1")}, "things"),
        ({"id": {"S": ""}}, "things"),
        ({"id": number("1")}, "things"),
        ({"client_id": {"S": "a"}}, "accounts"),
        ({**KEY, "label": {"S": "x" * 400 * 1024}}, "things"),
        ({**KEY, "amount": number("one")}, "things"),
        ({**KEY, "tags": {"SS": []}}, "things"),
    ],
    ids=[
        "no key",
        "empty key",
        "key of another type",
        "half a key",
        "too large",
        "no number",
        "empty set",
    ],
)
def test_items_that_cannot_be_put(tables: Tables, item: dict[str, Any], table: str) -> None:
    assert refusal(tables.put, item=item, table=table) == INVALID


@without(moto="does not check everything")
@pytest.mark.parametrize(
    ("item", "table"),
    [
        ({**ACCOUNT, "due_date": number("20260105")}, "accounts"),
        ({**KEY, "amount": number("1" * 39)}, "things"),
        ({**KEY, "amount": number("1E126")}, "things"),
        ({**KEY, "amount": number("1E-131")}, "things"),
        ({**KEY, "amount": number("1_000")}, "things"),
        ({**KEY, "amount": number("NaN")}, "things"),
        ({**KEY, "tags": {"SS": ["a", "a"]}}, "things"),
        ({**KEY, "days": {"NS": ["1", "1.0"]}}, "things"),
        ({**KEY, "value": {}}, "things"),
        ({"id": {"S": "x" * 2049}}, "things"),
        ({**ACCOUNT, "item": {"S": "é" * 513}}, "accounts"),
        ({**ACCOUNT, "due_date": {"S": ""}}, "accounts"),
    ],
)
def test_more_items_that_cannot_be_put(tables: Tables, item: dict[str, Any], table: str) -> None:
    assert refusal(tables.put, item=item, table=table) == INVALID


@pytest.mark.parametrize(
    "key",
    [{}, {"client_id": {"S": "a"}}, {**ACCOUNT, "more": {"S": "x"}}],
    ids=["none", "half", "more"],
)
def test_keys_that_do_not_fit(tables: Tables, key: dict[str, Any]) -> None:
    calls = (tables.client.get_item, tables.client.delete_item, tables.client.update_item)
    assert [refusal(call, TableName=tables.accounts, Key=key) for call in calls] == [INVALID] * 3


@without(moto="finds nothing under a key of another type")
def test_keys_of_another_type(tables: Tables) -> None:
    calls = (tables.client.get_item, tables.client.delete_item, tables.client.update_item)
    key = {**ACCOUNT, "item": number("1")}
    assert [refusal(call, TableName=tables.accounts, Key=key) for call in calls] == [INVALID] * 3


def test_an_update_must_not_make_an_item_too_large(tables: Tables) -> None:
    tables.put({**KEY, "events": {"L": [{"S": "x" * 300_000}]}})
    update: dict[str, Any] = {
        "UpdateExpression": "SET events = list_append(events, :more)",
        "ExpressionAttributeValues": {":more": {"L": [{"S": "x" * 110_000}]}},
    }
    assert refusal(tables.client.update_item, TableName=tables.things, Key=KEY, **update) == INVALID


@without(moto="does not look for what is not used, or fails without an answer")
@pytest.mark.parametrize(
    "options",
    [
        {"ExpressionAttributeValues": {":v": number("1")}},
        {"ConditionExpression": "amount = :v", "ExpressionAttributeValues": {":v": number("1"), ":w": number("1")}},
        {"ConditionExpression": "attribute_exists(id)", "ExpressionAttributeNames": {"#id": "id"}},
        {"ConditionExpression": "attribute_exists(id)", "ExpressionAttributeNames": {}},
        {"ConditionExpression": "attribute_exists(id)", "ExpressionAttributeValues": {}},
        {"ConditionExpression": "attribute_exists(#id)"},
        {"ReturnValues": "ALL_NEW"},
    ],
)
def test_placeholders_must_be_those_that_are_used(tables: Tables, options: dict[str, Any]) -> None:
    tables.put(ITEM)
    assert refusal(tables.put, item=ITEM, **options) == INVALID


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
        tables.client.transact_write_items: {"TransactItems": [{"Put": {"TableName": name, "Item": ITEM}}]},
    }
    answers = [refusal(call, **request) for call, request in requests.items()]
    assert answers == ["ResourceNotFoundException"] * len(requests)
