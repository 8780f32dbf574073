"""From the catalog's grants to IAM statements."""

from collections.abc import Mapping, Sequence

from aws_cdk import Aws
from aws_cdk import aws_iam as iam

SERVICE_OF_KIND = {
    "tables": "dynamodb",
    "queues": "sqs",
    "dlqs": "sqs",
    "secrets": "secretsmanager",
    "keys": "kms",
    "workflows": "states",
    "executions": "states",
    "functions": "lambda",
}

Arns = Mapping[str, Sequence[str]]
"""The catalog's name of a resource → its ARNs."""


def service_of_this_account(service: str, source_arn: str | None = None) -> iam.ServicePrincipal:
    """A service, but only when it acts for a resource of this account. So another account cannot
    make the service use the role (the confused deputy).
    """
    conditions: dict[str, dict[str, str]] = {"StringEquals": {"aws:SourceAccount": Aws.ACCOUNT_ID}}
    if source_arn:
        conditions["ArnLike"] = {"aws:SourceArn": source_arn}
    return iam.ServicePrincipal(service, conditions=conditions)


def statements(grants: Mapping[str, str], arns: Arns) -> list[iam.PolicyStatement]:
    """Make a statement for each grant. Raises KeyError for a resource that does not exist."""
    return [
        iam.PolicyStatement(
            actions=_actions(resource, actions), resources=_resources(resource, arns)
        )
        for resource, actions in grants.items()
    ]


def _actions(resource: str, actions: str) -> list[str]:
    service = SERVICE_OF_KIND[resource.split("/")[0]]
    return [f"{service}:{action}" for action in actions.split()]


def _resources(resource: str, arns: Arns) -> list[str]:
    kind, name, *index = resource.split("/")
    return [f"{arn}/index/{index[0]}" if index else arn for arn in arns[f"{kind}/{name}"]]
