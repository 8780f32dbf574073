"""Checks the counting against examples in DynamoDB's documentation and calls of known cost."""

from typing import Any

import boto3
import pytest
from moto import mock_aws

from infra.catalog.tables import TableSpec
from tests.benchmarks import units
from tests.benchmarks.meter import Meter
from tests.benchmarks.prices import Billed

SPEC = TableSpec(("pk",), indexes={"due": ("day", "pk")})


def item(size: int, **attributes: str) -> units.Item:
    """An item of this size in bytes."""
    named = {"pk": {"S": "a"}} | {name: {"S": value} for name, value in attributes.items()}
    return named | {"fill": {"S": "x" * (size - units.item_bytes(named) - len("fill"))}}


@pytest.mark.parametrize(
    ("value", "size"),
    [
        ({"S": "grün"}, 5),
        ({"N": "0"}, 1),
        ({"N": "27"}, 2),
        ({"N": "-27"}, 3),
        ({"N": "123.45"}, 4),
        ({"N": "0.1"}, 2),
        ({"N": "1000000"}, 2),
        ({"B": "AAECAw=="}, 4),
        ({"BOOL": True}, 1),
        ({"NULL": True}, 1),
        ({"SS": ["ab", "c"]}, 3),
        ({"L": [{"S": "ab"}, {"N": "1"}]}, 3 + 1 + 2 + 1 + 2),
        ({"M": {"key": {"S": "ab"}}}, 3 + 1 + 3 + 2),
    ],
)
def test_size_of_a_value(value: dict[str, Any], size: int) -> None:
    assert units.item_bytes({"a": value}) == 1 + size


@pytest.mark.parametrize(("size", "expected"), [(500, 1), (1024, 1), (1025, 2), (3584, 4)])
def test_a_write_unit_is_a_kilobyte(size: int, expected: int) -> None:
    assert units.write_units(None, item(size)) == expected


def test_a_write_costs_the_larger_of_before_and_after() -> None:
    assert units.write_units(item(2000), item(100)) == 2
    assert units.write_units(item(2000), None) == 2
    assert units.write_units(None, None) == 1


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        (None, item(100), 0),
        (None, item(100, day="1"), 1),
        (item(100, day="1"), item(200, day="1"), 0),
        (item(100, day="1"), item(100, day="2"), 2),
        (item(100, day="1"), item(100), 1),
        (item(100, day="1"), None, 1),
    ],
)
def test_an_index_is_written_when_its_entry_changes(
    before: units.Item | None, after: units.Item | None, expected: int
) -> None:
    assert units.index_write_units(SPEC, before, after) == expected


@pytest.mark.parametrize(
    ("size", "consistent", "expected"), [(4096, True, 1), (4097, True, 2), (4096, False, 0.5)]
)
def test_a_read_unit_is_four_kilobytes(size: int, consistent: bool, expected: float) -> None:
    assert units.read_units([item(size)], consistent=consistent) == expected


def test_a_query_rounds_once_and_a_batch_rounds_each_item() -> None:
    three = [item(100)] * 3
    assert units.read_units(three, consistent=True) == 1
    assert units.batch_read_units(three, keys=4, consistent=True) == 4
    assert units.batch_read_units([], keys=2, consistent=False) == 1


def test_the_meter_counts_each_call(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "test")
    with mock_aws():
        plain = boto3.Session(region_name="us-east-1").client("dynamodb")
        plain.create_table(
            TableName="table",
            BillingMode="PAY_PER_REQUEST",
            KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}],
            AttributeDefinitions=[{"AttributeName": "pk", "AttributeType": "S"}],
        )
        meter = Meter(
            {"table": SPEC},
            lambda table, key: plain.get_item(TableName=table, Key=dict(key)).get("Item"),
        )
        counted = boto3.Session(region_name="us-east-1")
        meter.attach(counted.events)
        client: Any = counted.client("dynamodb")

        def work() -> None:
            first, second = dict(item(1500, day="1")), dict(item(100)) | {"pk": {"S": "b"}}
            puts = [{"Put": {"TableName": "table", "Item": each}} for each in (first, second)]
            client.transact_write_items(TransactItems=puts)
            client.get_item(TableName="table", Key={"pk": {"S": "a"}}, ConsistentRead=True)
            client.delete_item(TableName="table", Key={"pk": {"S": "a"}})

        meter.stage = "accept"
        meter.invoke("orders", work)

    assert [(call.operation, call.write_units, call.read_units) for call in meter.usage.calls] == [
        ("TransactWriteItems", 2 * 2 + 1 + 2 * 1, 0),
        ("GetItem", 0, 1),
        ("DeleteItem", 2 + 1, 0),
    ]
    assert [(run.stage, run.function) for run in meter.usage.invocations] == [("accept", "orders")]
    assert sum(c.quantity for c in meter.usage.charges if c.billed is Billed.WRITES) == 10
