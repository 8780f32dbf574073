"""DynamoDB: conditions that hold, that do not hold, and that are invalid."""

from typing import Any

from tests.simulation.contracts.dynamodb_tables import Tables, refusal, without

KEY = {"id": {"S": "a"}}
ITEM: dict[str, Any] = {
    **KEY,
    "amount": {"N": "10"},
    "label": {"S": "trading"},
    "bytes": {"B": b"\x01\x02"},
    "enabled": {"BOOL": True},
    "nothing": {"NULL": True},
    "events": {"L": [{"S": "first"}, {"M": {"moment": {"N": "5"}}}]},
    "limits": {"M": {"daily": {"N": "100"}, "deep": {"M": {"er": {"S": "x"}}}}},
    "tags": {"SS": ["blue", "red"]},
    "days": {"NS": ["1", "2"]},
}
VALUES: dict[str, Any] = {
    ":one": {"N": "1"},
    ":nine": {"N": "9"},
    ":nine_text": {"S": "9"},
    ":ten": {"N": "10"},
    ":ten_cents": {"N": "10.00"},
    ":eleven": {"N": "11"},
    ":hundred": {"N": "100"},
    ":five": {"N": "5"},
    ":trading": {"S": "trading"},
    ":trad": {"S": "trad"},
    ":din": {"S": "din"},
    ":red": {"S": "red"},
    ":first": {"S": "first"},
    ":z": {"S": "z"},
    ":true": {"BOOL": True},
    ":bytes": {"B": b"\x01\x02"},
    ":byte": {"B": b"\x01"},
    ":string": {"S": "S"},
    ":map": {"S": "M"},
    ":tags": {"SS": ["red", "blue"]},
    ":x": {"S": "x"},
}
HOLD = [
    "amount = :ten",
    "amount = :ten_cents",
    "amount > :nine",
    "amount >= :ten",
    "amount < :eleven",
    "amount <= :ten",
    "amount <> :nine",
    "amount <> :nine_text",
    "absent <> :nine",
    ":nine < amount",
    "label > :trad",
    "bytes > :byte",
    "bytes = :bytes",
    "enabled = :true",
    "tags = :tags",
    "amount BETWEEN :nine AND :eleven",
    "amount BETWEEN :ten AND :ten",
    ":ten BETWEEN :one AND amount",
    "amount IN (:nine, :ten)",
    "label IN (:trading)",
    "attribute_exists(id)",
    "attribute_exists(limits.deep.er)",
    "attribute_exists(events[1].moment)",
    "attribute_not_exists(absent)",
    "attribute_not_exists(events[2])",
    "attribute_not_exists(label.nested)",
    "attribute_type(label, :string)",
    "attribute_type(limits, :map)",
    "begins_with(label, :trad)",
    "contains(label, :din)",
    "contains(tags, :red)",
    "contains(days, :one)",
    "contains(events, :first)",
    "size(label) > :five",
    "size(tags) < :five",
    "size(events) < size(label)",
    "limits.daily = :hundred",
    "limits.deep.er = :x",
    "events[0] = :first",
    "events[1].moment = :five",
    "#amount = :ten",
    "#limits.#daily = :hundred",
    "NOT amount = :nine",
    "not amount = :nine and not amount = :eleven",
    "amount = :nine OR amount = :ten AND label = :trading",
    "amount = :ten OR amount = :nine AND label = :z",
    "(amount = :ten OR amount = :nine) AND label = :trading",
    "NOT (amount = :nine OR amount = :eleven)",
    "attribute_not_exists(id) OR amount < :eleven OR (label = :z AND attribute_exists(enabled) "
    "AND amount < :five)",
]
FAIL = [
    "amount = :nine",
    "amount = :nine_text",
    "amount > :ten",
    "amount <> :ten",
    "absent = :ten",
    "absent < :ten",
    "absent > :ten",
    "amount BETWEEN :eleven AND :hundred",
    "absent BETWEEN :one AND :hundred",
    "label IN (:nine_text, :z)",
    "absent IN (:ten)",
    "attribute_exists(absent)",
    "attribute_exists(limits.absent)",
    "attribute_exists(label.nested)",
    "attribute_not_exists(id)",
    "attribute_type(amount, :string)",
    "attribute_type(absent, :string)",
    "begins_with(label, :din)",
    "contains(label, :z)",
    "contains(tags, :one)",
    "contains(absent, :z)",
    "size(label) < :five",
    "NOT amount = :ten",
    "(amount = :ten OR amount = :nine) AND label = :z",
    "amount = :ten AND NOT label = :trading",
]
REFUSED = [
    "",
    "amount",
    "amount =",
    "amount == :ten",
    "amount = :ten AND",
    "(amount = :ten",
    "((amount = :ten))",
    "amount = :ten)",
    "amount = 10",
    "amount IN ()",
    "unknown(amount, :ten)",
    "begins_with(label)",
    "begins_with(label, :one)",
    "attribute_exists(:ten)",
    "amount BETWEEN :eleven AND :nine",
    "status = :ten",
    "amount = :undefined",
    "#undefined = :ten",
]
NAMES = {"#amount": "amount", "#limits": "limits", "#daily": "daily"}


def used(expression: str, placeholders: dict[str, Any]) -> dict[str, Any]:
    """The placeholders that an expression uses."""
    words = (
        expression.replace("(", " ").replace(")", " ").replace(",", " ").replace(".", " ").split()
    )
    return {
        placeholder: value for placeholder, value in placeholders.items() if placeholder in words
    }


def expressed(*expressions: str) -> dict[str, Any]:
    """The parameters that define an expression's placeholders."""
    every = " ".join(expressions)
    names, values = used(every, NAMES), used(every, VALUES)
    return ({"ExpressionAttributeNames": names} if names else {}) | (
        {"ExpressionAttributeValues": values} if values else {}
    )


def outcomes(tables: Tables, expressions: list[str]) -> dict[str, str]:
    """The results of putting the item again under each condition."""
    tables.put(ITEM)
    return {
        expression: refusal(
            tables.put, item=ITEM, ConditionExpression=expression, **expressed(expression)
        )
        for expression in expressions
    }


def test_conditions_that_hold(tables: Tables) -> None:
    assert outcomes(tables, HOLD) == dict.fromkeys(HOLD, "")


def test_conditions_that_do_not_hold(tables: Tables) -> None:
    assert outcomes(tables, FAIL) == dict.fromkeys(FAIL, "ConditionalCheckFailedException")


@without(moto="does not parse strictly, and fails without an answer")
def test_values_of_other_types_are_in_no_order(tables: Tables) -> None:
    expressions = ["amount < :nine_text", "amount > :nine_text", "size(absent) > :one"]
    assert outcomes(tables, expressions) == dict.fromkeys(
        expressions, "ConditionalCheckFailedException"
    )
    assert outcomes(tables, ["NOT label > :ten"]) == {"NOT label > :ten": ""}


@without(moto="takes any value", local="takes any value")
def test_values_that_do_not_suit_a_function_are_refused(tables: Tables) -> None:
    expressions = ["amount < :true", "attribute_type(label, :trading)"]
    assert outcomes(tables, expressions) == dict.fromkeys(expressions, "ValidationException")


@without(moto="does not parse strictly, and fails without an answer")
def test_conditions_that_cannot_be(tables: Tables) -> None:
    assert outcomes(tables, REFUSED) == dict.fromkeys(REFUSED, "ValidationException")
