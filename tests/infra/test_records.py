import pytest

from infra.catalog.tables import SIMULATOR_TABLES, TABLES
from infra.synthesized import Resource, Synthesized

KEPT = {
    "accounts",
    "audit",
    "clients",
    "credentials",
    "factors",
    "ledger",
    "orders",
    "proposals",
    "reference",
}
"""The tables whose content comes back from nowhere."""


def tables(deployed: Synthesized, stage: str) -> dict[str, Resource]:
    found = deployed.of_type("AWS::DynamoDB::Table")
    return {
        table.properties["TableName"].removeprefix(f"trading-{stage}-"): table for table in found
    }


def test_tables_and_keys_are_those_of_the_catalog(synthesized: Synthesized, stage: str) -> None:
    deployed = {
        name: [key["AttributeName"] for key in table.properties["KeySchema"]]
        for name, table in tables(synthesized, stage).items()
    }
    specified = {**TABLES, **SIMULATOR_TABLES}
    assert deployed == {name: list(spec.key) for name, spec in specified.items()}


def test_every_table_is_encrypted_and_on_demand(synthesized: Synthesized) -> None:
    for table in synthesized.of_type("AWS::DynamoDB::Table"):
        assert table.properties["SSESpecification"] == {"SSEEnabled": True}, table
        assert table.properties["BillingMode"] == "PAY_PER_REQUEST", table


def test_what_cannot_be_rebuilt_can_be_recovered_to_any_moment(
    synthesized: Synthesized, stage: str
) -> None:
    for name, table in tables(synthesized, stage).items():
        recovery = table.properties["PointInTimeRecoverySpecification"]
        assert recovery == {"PointInTimeRecoveryEnabled": name in KEPT}, name


@pytest.mark.parametrize(
    ("stage_name", "policy", "protected"), [("dev", "Delete", False), ("prod", "Retain", True)]
)
def test_production_keeps_and_protects_what_cannot_be_rebuilt(
    stage_name: str, policy: str, protected: bool, request: pytest.FixtureRequest
) -> None:
    deployed: Synthesized = request.getfixturevalue(stage_name)
    for name, table in tables(deployed, stage_name).items():
        kept = name in KEPT
        expected = policy if kept else "Delete"
        assert table.template["DeletionPolicy"] == expected, name
        assert table.template["UpdateReplacePolicy"] == expected, name
        protection = table.properties.get("DeletionProtectionEnabled", False)
        assert protection is (protected and kept), name
    for type_ in ("AWS::SecretsManager::Secret", "AWS::SQS::Queue"):
        for each in deployed.of_type(type_):
            assert each.template["DeletionPolicy"] == policy, each
            assert each.template["UpdateReplacePolicy"] == policy, each


def test_a_table_that_may_be_lost_says_how_it_comes_back() -> None:
    lost = {name: spec for name, spec in TABLES.items() if name not in KEPT}
    assert lost.keys() == {"connections", "control", "events", "idempotency"}
    assert all(len(spec.rebuilt) > 20 for spec in lost.values())


def test_production_copies_its_secrets_to_another_region(
    dev: Synthesized, prod: Synthesized, real: Synthesized
) -> None:
    for deployed, regions in (
        (dev, []),
        (prod, [{"Region": "us-west-2"}]),
        (real, [{"Region": "eu-west-1"}]),
    ):
        for secret in deployed.of_type("AWS::SecretsManager::Secret"):
            assert secret.properties.get("ReplicaRegions", []) == regions


def test_indexes_project_only_their_keys(synthesized: Synthesized, stage: str) -> None:
    indexes = {
        (name, index["IndexName"]): [key["AttributeName"] for key in index["KeySchema"]]
        for name, table in tables(synthesized, stage).items()
        for index in table.properties.get("GlobalSecondaryIndexes", [])
        if index["Projection"] == {"ProjectionType": "KEYS_ONLY"}
    }
    assert indexes == {
        ("accounts", "due-by-shard"): ["due_shard", "due_order"],
        ("accounts", "obligations-due"): ["due_date", "client_id"],
        ("credentials", "by-client"): ["client_id", "api_key"],
        ("orders", "attention"): ["attention_shard", "attention_at"],
        ("orders", "review"): ["review_shard", "accepted_at"],
        ("orders", "by-client"): ["client_id", "accepted_at"],
        ("ledger", "by-client"): ["client_id", "moved_at"],
        ("audit", "by-month"): ["month", "at"],
        ("proposals", "pending"): ["pending", "proposed_at"],
    }


def test_tables_expire_items_by_the_attribute_of_the_catalog(
    synthesized: Synthesized, stage: str
) -> None:
    expiring = {
        name: table.properties["TimeToLiveSpecification"]["AttributeName"]
        for name, table in tables(synthesized, stage).items()
        if "TimeToLiveSpecification" in table.properties
    }
    assert expiring == {
        "orders": "expires_at",
        "idempotency": "expiration",
        "proposals": "expires_at",
        "connections": "expires_at",
        "control": "expires_at",
        "events": "expires_at",
        "exchange-books": "expires_at",
    }


def test_tables_whose_items_carry_events_have_streams_with_both_images(
    synthesized: Synthesized, stage: str
) -> None:
    """Without the old image, an update that leaves the event in place would look like news."""
    streams = {
        name: table.properties["StreamSpecification"]["StreamViewType"]
        for name, table in tables(synthesized, stage).items()
        if "StreamSpecification" in table.properties
    }
    carriers = ("accounts", "clients", "ledger", "orders", "reference")
    assert streams == dict.fromkeys(carriers, "NEW_AND_OLD_IMAGES")


def test_no_template_contains_a_secret(synthesized: Synthesized, stage: str) -> None:
    secrets = {
        secret.properties["Name"]: secret
        for secret in synthesized.of_type("AWS::SecretsManager::Secret")
    }
    venues = ["XNYS", "XNAS", "ARCX", "BATS", "depository"]
    assert secrets.keys() == {
        *(f"trading-{stage}-venue-{venue}" for venue in venues),
    }
    for secret in secrets.values():
        assert secret.properties["GenerateSecretString"]["PasswordLength"] >= 64
        assert "SecretString" not in secret.properties
