"""DynamoDB: transactions are all or nothing and give reasons. Batches do neither."""

from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.simulation.contracts.dynamodb_tables import Tables, refusal, without

INVALID = "ValidationException"
NEW = {"ConditionExpression": "attribute_not_exists(id)"}


def key(name: str) -> dict[str, Any]:
    return {"id": {"S": name}}


def item(name: str, amount: int) -> dict[str, Any]:
    return {**key(name), "amount": {"N": str(amount)}}


def put(tables: Tables, name: str, amount: int, **options: Any) -> dict[str, Any]:
    return {"Put": {"TableName": tables.things, "Item": item(name, amount), **options}}


def add(tables: Tables, name: str, amount: int, **options: Any) -> dict[str, Any]:
    update = {
        "UpdateExpression": "ADD amount :n",
        "ExpressionAttributeValues": {":n": {"N": str(amount)}},
    }
    return {"Update": {"TableName": tables.things, "Key": key(name), **update, **options}}


def delete(tables: Tables, name: str, **options: Any) -> dict[str, Any]:
    return {"Delete": {"TableName": tables.things, "Key": key(name), **options}}


def check(tables: Tables, name: str, condition: str, **options: Any) -> dict[str, Any]:
    return {
        "ConditionCheck": {
            "TableName": tables.things,
            "Key": key(name),
            "ConditionExpression": condition,
            **options,
        }
    }


def everything(tables: Tables) -> dict[str, int]:
    """The amounts in the table."""
    items = tables.client.scan(TableName=tables.things, ConsistentRead=True)["Items"]
    return {each["id"]["S"]: int(each["amount"]["N"]) for each in items}


def canceled(tables: Tables, *actions: dict[str, Any]) -> list[dict[str, Any]]:
    """The reasons of a canceled transaction, one per action."""
    with pytest.raises(tables.client.exceptions.TransactionCanceledException) as refused:
        tables.client.transact_write_items(TransactItems=list(actions))
    reasons: list[dict[str, Any]] = refused.value.response["CancellationReasons"]
    return reasons


def test_a_transaction_does_all_its_actions(tables: Tables) -> None:
    for name in ("changed", "replaced", "deleted", "checked"):
        tables.put(item(name, 1))
    tables.client.transact_write_items(
        TransactItems=[
            put(tables, "new", 5, **NEW),
            put(tables, "replaced", 7),
            add(tables, "changed", 2),
            add(tables, "made", 3),
            delete(tables, "deleted"),
            check(tables, "checked", "attribute_exists(id)"),
            check(tables, "absent", "attribute_not_exists(id)"),
        ]
    )
    assert everything(tables) == {"new": 5, "replaced": 7, "changed": 3, "made": 3, "checked": 1}


def test_one_failed_condition_keeps_every_action_from_being_done(tables: Tables) -> None:
    tables.put(item("there", 1))
    before = everything(tables)
    actions = [
        put(tables, "new", 1, **NEW),
        put(tables, "there", 2, **NEW),
        add(tables, "there-not", 1),
        check(tables, "absent", "attribute_exists(id)"),
    ]
    assert [reason["Code"] for reason in canceled(tables, *actions)] == [
        "None",
        "ConditionalCheckFailed",
        "None",
        "ConditionalCheckFailed",
    ]
    assert everything(tables) == before


def test_a_reason_shows_the_item_when_asked_to(tables: Tables) -> None:
    tables.put(item("there", 1))
    tables.put(item("other", 2))
    show = {"ReturnValuesOnConditionCheckFailure": "ALL_OLD"}
    reasons = canceled(
        tables,
        put(tables, "there", 2, **NEW, **show),
        put(tables, "fine", 1, **show),
        delete(tables, "other", **NEW),
        check(tables, "absent", "attribute_exists(id)", **show),
    )
    assert [reason.get("Item") for reason in reasons] == [item("there", 1), None, None, None]


def test_conditions_are_held_against_what_was_there_before(tables: Tables) -> None:
    missing = check(tables, "second", "attribute_exists(id)")
    assert [reason["Code"] for reason in canceled(tables, put(tables, "first", 1), missing)] == [
        "None",
        "ConditionalCheckFailed",
    ]


@without(moto="refuses the request as a whole")
def test_an_update_that_cannot_be_done_cancels(tables: Tables) -> None:
    tables.put({**key("text"), "amount": {"S": "x"}})
    reasons = canceled(tables, put(tables, "new", 1), add(tables, "text", 1))
    assert [reason["Code"] for reason in reasons] == ["None", "ValidationError"]
    assert tables.get(key("new")) is None


def test_transactions_that_cannot_be(tables: Tables) -> None:
    def tried(*actions: dict[str, Any]) -> str:
        return refusal(tables.client.transact_write_items, TransactItems=list(actions))

    assert tried(put(tables, "twice", 1), add(tables, "twice", 1)) == INVALID
    assert tried(put(tables, "twice", 1), check(tables, "twice", "attribute_exists(id)")) == INVALID
    assert tried(*[put(tables, f"item-{number}", 1) for number in range(101)]) == INVALID
    assert tried(put(tables, "", 1)) == INVALID
    assert everything(tables) == {}


@without(moto="does not look at the size of a transaction")
def test_a_transaction_is_of_four_megabytes_at_most(tables: Tables) -> None:
    large = {"label": {"S": "x" * 390_000}}
    actions = [
        {"Put": {"TableName": tables.things, "Item": {**key(f"item-{number}"), **large}}}
        for number in range(11)
    ]
    assert refusal(tables.client.transact_write_items, TransactItems=actions) == INVALID
    assert refusal(tables.client.transact_write_items, TransactItems=actions[:10]) == ""


@without(moto="does not know request tokens")
def test_a_request_token_makes_a_transaction_happen_once(tables: Tables) -> None:
    def send(token: str, amount: int = 1) -> str:
        actions = [add(tables, "a", amount), add(tables, "b", amount)]
        return refusal(
            tables.client.transact_write_items, TransactItems=actions, ClientRequestToken=token
        )

    assert [send("first"), send("first")] == ["", ""]
    assert everything(tables) == {"a": 1, "b": 1}
    assert send("first", amount=2) == "IdempotentParameterMismatchException"
    assert send("second") == ""
    assert send("first") == ""
    assert everything(tables) == {"a": 2, "b": 2}


@without(moto="does not know request tokens")
def test_a_canceled_transaction_may_be_tried_again_with_its_token(tables: Tables) -> None:
    def send() -> str:
        actions = [put(tables, "a", 1, **NEW), check(tables, "gate", "attribute_exists(id)")]
        return refusal(
            tables.client.transact_write_items,
            TransactItems=actions,
            ClientRequestToken="canceled-token",
        )

    assert send() == "TransactionCanceledException"
    tables.put(item("gate", 0))
    assert [send(), send()] == ["", ""]


def test_items_are_read_at_one_moment_in_the_order_asked(tables: Tables) -> None:
    tables.put(item("a", 1))
    tables.put(item("b", 2))
    gets = [{"Get": {"TableName": tables.things, "Key": key(name)}} for name in ("b", "none", "a")]
    answer = tables.client.transact_get_items(TransactItems=gets)
    assert [response.get("Item") for response in answer["Responses"]] == [
        item("b", 2),
        None,
        item("a", 1),
    ]


def test_a_batch_reads_what_is_there_in_any_order(tables: Tables) -> None:
    for name in "abc":
        tables.put(item(name, 1))
    tables.put({"client_id": {"S": "x"}, "item": {"S": "CASH"}}, "accounts")
    answer = tables.client.batch_get_item(
        RequestItems={
            tables.things: {
                "Keys": [key(name) for name in "abcd"],
                "ConsistentRead": True,
                "ProjectionExpression": "id",
            },
            tables.accounts: {"Keys": [{"client_id": {"S": "x"}, "item": {"S": "CASH"}}]},
        }
    )
    found = answer["Responses"]
    assert sorted(each["id"]["S"] for each in found[tables.things]) == ["a", "b", "c"]
    assert all(each.keys() == {"id"} for each in found[tables.things])
    assert found[tables.accounts] == [{"client_id": {"S": "x"}, "item": {"S": "CASH"}}]
    assert answer["UnprocessedKeys"] == {}


def test_a_batch_writes_and_deletes(tables: Tables) -> None:
    tables.put(item("old", 1))
    answer = tables.client.batch_write_item(
        RequestItems={
            tables.things: [
                {"PutRequest": {"Item": item("new", 2)}},
                {"DeleteRequest": {"Key": key("old")}},
            ]
        }
    )
    assert answer["UnprocessedItems"] == {}
    assert everything(tables) == {"new": 2}


@without(
    moto="reads and writes any number of items, the same item twice, and fails without an answer"
)
def test_batches_that_cannot_be(tables: Tables) -> None:
    def read(*names: str) -> str:
        request = {tables.things: {"Keys": [key(name) for name in names]}}
        return refusal(tables.client.batch_get_item, RequestItems=request)

    def write(*names: str) -> str:
        request = {tables.things: [{"PutRequest": {"Item": item(name, 1)}} for name in names]}
        return refusal(tables.client.batch_write_item, RequestItems=request)

    many = [f"item-{number}" for number in range(101)]
    assert [read(*many[:100]), read(*many), read("a", "a")] == ["", INVALID, INVALID]
    assert [write(*many[:25]), write(*many[:26]), write("a", "a")] == ["", INVALID, INVALID]
    undefined = put(tables, "undefined", 1, ConditionExpression="amount = :undefined")
    assert refusal(tables.client.transact_write_items, TransactItems=[undefined]) == INVALID


def test_an_error_answer_has_the_exception_of_its_code(tables: Tables) -> None:
    tables.put(item("a", 1))
    with pytest.raises(tables.client.exceptions.ConditionalCheckFailedException) as refused:
        tables.put(item("a", 1), **NEW)
    assert isinstance(refused.value, ClientError)
    assert refused.value.response["Error"]["Message"] == "The conditional request failed"
