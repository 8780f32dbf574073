"""How refusals of a commit are classified: by their codes, in any mixture."""

from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError
from botocore.stub import Stubber

from trading.adapters.dynamodb.transactions import OverloadedError, Write, commit, to_item
from trading.domain.errors import is_transient
from trading.usecases.ports import StaleError

WRITES = [
    Write("orders", "attribute_not_exists(order_id)", to_item({"order_id": name}))
    for name in ("a", "b")
]
RACE, CONFLICT = "ConditionalCheckFailed", "TransactionConflict"
THROTTLED, OVERRUN = "ThrottlingError", "ProvisionedThroughputExceeded"


def refused(*reasons: str | None) -> Exception:
    """The error for a transaction that DynamoDB cancels for these reasons."""
    client: Any = boto3.client("dynamodb", region_name="us-east-1")
    with Stubber(client) as stub:
        stub.add_client_error(
            "transact_write_items",
            "TransactionCanceledException",
            modeled_fields={
                "CancellationReasons": [{"Code": reason or "None"} for reason in reasons]
            },
        )
        with pytest.raises(Exception) as failure:  # noqa: PT011  (the type is what is asked)
            commit(client, WRITES)
    return failure.value


@pytest.mark.parametrize(
    "reasons",
    [(RACE, None), (None, CONFLICT), (RACE, CONFLICT), (RACE, THROTTLED), (OVERRUN, CONFLICT)],
)
def test_a_lost_race_is_stale_even_with_throttling(
    reasons: tuple[str | None, ...],
) -> None:
    error = refused(*reasons)
    assert isinstance(error, StaleError)
    assert is_transient(error)


@pytest.mark.parametrize("reasons", [(THROTTLED, None), (OVERRUN, OVERRUN), (THROTTLED, OVERRUN)])
def test_throttling_without_a_race_is_overload(reasons: tuple[str | None, ...]) -> None:
    error = refused(*reasons)
    assert isinstance(error, OverloadedError)
    assert is_transient(error)


@pytest.mark.parametrize(
    "reasons",
    [
        ("ValidationError", None),
        (RACE, "ValidationError"),
        (THROTTLED, "ItemCollectionSizeLimitExceeded"),
        ("AccessDenied", CONFLICT),
        (None, None),
    ],
)
def test_an_error_that_a_retry_cannot_help_is_not_hidden(reasons: tuple[str | None, ...]) -> None:
    assert isinstance(refused(*reasons), ClientError)


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("ConditionalCheckFailedException", StaleError),
        ("TransactionConflictException", StaleError),
        ("TransactionInProgressException", StaleError),
        ("ResourceNotFoundException", ClientError),
        ("AccessDeniedException", ClientError),
    ],
)
@pytest.mark.parametrize(
    ("method", "writes"),
    [
        ("transact_write_items", WRITES),
        ("put_item", WRITES[:1]),
        (
            "delete_item",
            [Write("orders", "attribute_exists(order_id)", key=to_item({"order_id": "a"}))],
        ),
    ],
)
def test_single_writes_and_whole_transactions_map_errors_alike(
    code: str, expected: type[Exception], method: str, writes: list[Write]
) -> None:
    client: Any = boto3.client("dynamodb", region_name="us-east-1")
    with Stubber(client) as stub:
        stub.add_client_error(method, code)
        with pytest.raises(expected):
            commit(client, writes)
        stub.assert_no_pending_responses()


def test_conditions_of_puts_and_deletes_reach_dynamodb() -> None:
    client: Any = boto3.client("dynamodb", region_name="us-east-1")
    saved = Write(
        "orders",
        "#v = :v",
        to_item({"order_id": "a"}),
        names={"#v": "version"},
        values=to_item({":v": 3}),
    )
    gone = Write("orders", "attribute_exists(order_id)", key=to_item({"order_id": "b"}))
    put = {
        "TableName": "orders",
        "Item": {"order_id": {"S": "a"}},
        "ConditionExpression": "#v = :v",
        "ExpressionAttributeNames": {"#v": "version"},
        "ExpressionAttributeValues": {":v": {"N": "3"}},
    }
    delete = {
        "TableName": "orders",
        "Key": {"order_id": {"S": "b"}},
        "ConditionExpression": "attribute_exists(order_id)",
    }
    with Stubber(client) as stub:
        stub.add_response(
            "transact_write_items", {}, {"TransactItems": [{"Put": put}, {"Delete": delete}]}
        )
        commit(client, [saved, gone])
        stub.assert_no_pending_responses()
