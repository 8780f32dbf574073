"""Reference data is written and shown without anything else."""

import json
import re
from pathlib import Path
from typing import Any

import boto3
import pytest

from tests.integration.backing import PREFIX
from tests.integration.ops.conftest import Operator
from tests.integration.trading.books import items, put
from trading.adapters.dynamodb.venue_keys import TableVenueKeys
from workstation.local_system import ROOT
from workstation.reference_data import MARKET

WHY = ("--reason", "first deployment")
EXCHANGES = ("ARCX", "BATS", "XNAS", "XNYS")


def listing(**changes: Any) -> dict[str, Any]:
    """A file with one instrument and all exchanges."""
    instrument = {"symbol": "PEP", "name": "PepsiCo", "reference_price": "150.10"} | changes
    exchanges = [
        {"exchange_id": each, "name": each, "fee_per_share": "0.003"} for each in EXCHANGES
    ]
    return {"instruments": [instrument], "exchanges": exchanges}


@pytest.fixture
def empty(operator: Operator) -> Operator:
    """An operator of a deployment without reference data, with real venues."""
    for item in items(operator.system.dynamodb, f"{PREFIX}reference"):
        operator.system.dynamodb.delete_item(
            TableName=f"{PREFIX}reference",
            Key={"kind": {"S": item["kind"]}, "id": {"S": item["id"]}},
        )
    return operator


@pytest.fixture
def simulated(empty: Operator) -> Operator:
    """The same with simulated venues."""
    boto3.client("dynamodb").create_table(
        TableName=f"{PREFIX}{MARKET}",
        KeySchema=[
            {"AttributeName": "pk", "KeyType": "HASH"},
            {"AttributeName": "sk", "KeyType": "RANGE"},
        ],
        AttributeDefinitions=[
            {"AttributeName": each, "AttributeType": "S"} for each in ("pk", "sk")
        ],
        BillingMode="PAY_PER_REQUEST",
    )
    return empty


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "reference.json"
    path.write_text(json.dumps(listing()))
    return path


def write(operator: Operator, file: Path, status: int = 0) -> Any:
    return operator.ask("reference", "write", "--file", str(file), *WHY, status=status)


def test_a_deployment_with_simulated_venues_gets_their_listing_and_settings_and_no_clients(
    simulated: Operator,
) -> None:
    dynamodb = simulated.system.dynamodb
    clients = list(items(dynamodb, f"{PREFIX}clients"))
    keys = list(items(dynamodb, f"{PREFIX}credentials"))
    added = simulated.ask("reference", "write", *WHY)["added"]
    assert {"KO", "AAPL", *EXCHANGES} <= set(added)
    opened = {item["sk"] for item in items(dynamodb, f"{PREFIX}{MARKET}")}
    assert opened == set(added) - set(EXCHANGES)
    assert list(items(dynamodb, f"{PREFIX}clients")) == clients
    assert list(items(dynamodb, f"{PREFIX}credentials")) == keys
    [entry] = simulated.ask("audit", "--subject", "run/reference")
    assert entry["reason"] == "first deployment"


def test_a_deployment_with_real_venues_needs_a_file(empty: Operator, file: Path) -> None:
    status, _, said = empty.run("reference", "write", *WHY)
    assert status == 2
    assert "real venues" in said
    assert not list(items(empty.system.dynamodb, f"{PREFIX}reference"))
    assert write(empty, file)["added"] == ["PEP", *EXCHANGES]


def test_the_file_in_the_how_to_can_be_written(empty: Operator, file: Path) -> None:
    page = (ROOT / "docs" / "how-to" / "deploy.md").read_text()
    [example] = re.findall(r"```json\n(.*?)```", page, re.DOTALL)
    file.write_text(example)
    assert write(empty, file)["added"] == ["KO", "BRK.B", "XNYS", "XNAS", "ARCX", "BATS"]


def test_what_is_shown_can_be_written_again(empty: Operator, file: Path) -> None:
    status, _, said = empty.run("reference", "show")
    assert (status, "ops reference write" in said) == (1, True)
    write(empty, file)
    shown = empty.ask("reference", "show")
    assert shown["instruments"][0]["reference_price"] == "150.10"
    file.write_text(json.dumps(shown))
    again = write(empty, file)
    assert (again["added"], len(again["unchanged"])) == ([], 5)


def test_what_exists_stays_and_a_difference_is_told(empty: Operator, file: Path) -> None:
    write(empty, file)
    halted = next(
        item
        for item in items(empty.system.dynamodb, f"{PREFIX}reference")
        if item["kind"] == "INSTRUMENT"
    )
    put(empty.system.dynamodb, f"{PREFIX}reference", halted | {"tradable": False})
    assert write(empty, file)["different"] == [], "a halt is no difference"
    file.write_text(json.dumps(listing(lot_size=100)))
    assert write(empty, file, status=1)["different"] == ["PEP"]
    [kept] = empty.ask("reference", "show")["instruments"]
    assert (kept["lot_size"], kept["tradable"]) == (1, False)


def test_a_disabled_key_of_an_exchange_stays_and_is_no_difference(
    empty: Operator, file: Path
) -> None:
    write(empty, file)
    keys = TableVenueKeys(empty.system.dynamodb, f"{PREFIX}reference")
    before = empty.ask("reference", "show")
    [exchange] = (
        item for item in items(empty.system.dynamodb, f"{PREFIX}reference") if item["id"] == "XNYS"
    )
    put(empty.system.dynamodb, f"{PREFIX}reference", exchange | {"key_status": "INACTIVE"})
    assert write(empty, file)["different"] == []
    assert empty.ask("reference", "show") == before
    assert not keys.is_active("XNYS")


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        (listing(tick_size="0.001"), "tick_size"),
        (listing(reference_price="0"), "reference_price"),
        (listing(colour="red"), "colour"),
        (listing(version=3), "must not have tradable_set_in or version"),
        (listing(tradable_set_in=3), "must not have tradable_set_in or version"),
        (listing(symbol="pep"), "'pep'"),
        (listing() | {"exchanges": listing()["exchanges"][1:]}, "exchanges must be"),
        (listing() | {"instruments": listing()["instruments"] * 2}, "more than once: PEP"),
        ([], "should be an object"),
    ],
)
def test_a_wrong_file_is_refused_whole(
    empty: Operator, file: Path, content: object, complaint: str
) -> None:
    file.write_text(json.dumps(content))
    status, _, said = empty.run("reference", "write", "--file", str(file), *WHY)
    assert status == 2
    assert complaint in said
    assert not list(items(empty.system.dynamodb, f"{PREFIX}reference"))


def test_a_missing_file_is_named(empty: Operator, tmp_path: Path) -> None:
    status, _, said = empty.run("reference", "write", "--file", str(tmp_path / "none"), *WHY)
    assert (status, "none: No such file" in said) == (2, True)
