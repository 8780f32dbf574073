"""DynamoDB: what updates change, answer and refuse."""

from typing import Any

import pytest

from tests.simulation.contracts.dynamodb_tables import Tables, refusal, without

KEY = {"id": {"S": "a"}}
INVALID = "ValidationException"


def number(text: str) -> dict[str, str]:
    return {"N": text}


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
    (
        "SET events = list_append(events, :list)",
        {"events": {"L": [{"S": "a"}, {"S": "b"}, {"S": "c"}, {"S": "d"}]}},
    ),
    (
        "SET events = list_append(:list, events)",
        {"events": {"L": [{"S": "d"}, {"S": "a"}, {"S": "b"}, {"S": "c"}]}},
    ),
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
    (
        "ADD amount :one SET label = :text REMOVE limits",
        {"amount": {"N": "11"}, "label": {"S": "y"}, "limits": None},
    ),
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
    """An item with its sets sorted, because sets have no order."""
    return {
        name: {"SS": sorted(value["SS"])} if "SS" in value else value
        for name, value in item.items()
    }


def test_updates_change_what_they_name(tables: Tables) -> None:
    outcomes = {}
    for expression, _ in UPDATES:
        tables.put({**KEY, **BEFORE})
        updated(tables, expression)
        after = in_order(tables.get(KEY))
        outcomes[expression] = {
            name: after.get(name)
            for name in after.keys() | BEFORE.keys()
            if after.get(name) != BEFORE.get(name)
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
def test_an_update_answers_the_item_when_asked_to(
    tables: Tables, returned: str, first: Any, second: Any
) -> None:
    assert answers_of_two_updates(tables, returned) == [first, second]


@without(moto="answers the key as well, and leaves out what stayed the same")
@pytest.mark.parametrize(
    ("returned", "first", "second"), [("UPDATED_NEW", FIRST, SECOND), ("UPDATED_OLD", None, FIRST)]
)
def test_an_update_answers_what_it_named_when_asked_to(
    tables: Tables, returned: str, first: Any, second: Any
) -> None:
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
    outcomes = {
        expression: refusal(updated, tables=tables, expression=expression)
        for expression in expressions
    }
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
