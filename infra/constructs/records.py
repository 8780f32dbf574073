"""Tables."""

from aws_cdk import RemovalPolicy
from aws_cdk import aws_dynamodb as dynamodb
from constructs import Construct

from infra.catalog.tables import TableSpec
from infra.constructs.naming import pascal
from infra.stage import Deployment
from infra.wildcards import acknowledge


def record_table(
    scope: Construct, deployment: Deployment, name: str, spec: TableSpec
) -> dynamodb.Table:
    """A table as the catalog describes it."""
    partition, sort = _keys(*spec.key)
    table = dynamodb.Table(
        scope,
        pascal(name),
        table_name=deployment.named(name),
        partition_key=partition,
        sort_key=sort,
        billing_mode=dynamodb.BillingMode.PAY_PER_REQUEST,
        encryption=dynamodb.TableEncryption.AWS_MANAGED,
        point_in_time_recovery_specification=dynamodb.PointInTimeRecoverySpecification(
            point_in_time_recovery_enabled=spec.is_kept
        ),
        time_to_live_attribute=spec.expires,
        stream=dynamodb.StreamViewType.NEW_AND_OLD_IMAGES if spec.streamed else None,
        deletion_protection=spec.is_kept and deployment.is_production,
        removal_policy=deployment.removal_policy if spec.is_kept else RemovalPolicy.DESTROY,
    )
    for index, key in spec.indexes.items():
        index_partition, index_sort = _keys(*key)
        table.add_global_secondary_index(
            index_name=index,
            partition_key=index_partition,
            sort_key=index_sort,
            projection_type=dynamodb.ProjectionType.KEYS_ONLY,
        )
    if spec.rebuilt:
        acknowledge(table, {"AwsSolutions-DDB3": spec.rebuilt})
    return table


def _keys(
    partition: str, sort: str | None = None
) -> tuple[dynamodb.Attribute, dynamodb.Attribute | None]:
    def attribute(name: str) -> dynamodb.Attribute:
        return dynamodb.Attribute(name=name, type=dynamodb.AttributeType.STRING)

    return attribute(partition), attribute(sort) if sort else None
