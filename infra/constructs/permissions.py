"""From the catalog's grants to IAM statements."""

from collections.abc import Iterable, Mapping, Sequence

from aws_cdk import ArnFormat, Aws, Stack
from aws_cdk import aws_iam as iam

SERVICE_OF_KIND = {
    "tables": "dynamodb",
    "streams": "dynamodb",
    "buses": "events",
    "queues": "sqs",
    "dlqs": "sqs",
    "secrets": "secretsmanager",
    "keys": "kms",
    "workflows": "states",
    "logs": "logs",
    "functions": "lambda",
    "sockets": "execute-api",
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


def function_arn(stack: Stack, name: str) -> str:
    """The ARN that a function is invoked by. It is made of the name. So the function may be in
    another stack, or may be the one that gets the permission.
    """
    return stack.format_arn(
        service="lambda",
        resource="function",
        resource_name=name,
        arn_format=ArnFormat.COLON_RESOURCE_NAME,
    )


UPDATE = "UpdateItem"


def statements(
    grants: Mapping[str, str], arns: Arns, attributes: Mapping[str, Sequence[str]]
) -> list[iam.PolicyStatement]:
    """Make a statement for each grant, and a separate one for updates that may touch only some
    `attributes` of a table. Raises KeyError for a resource that does not exist.
    """
    made = []
    for resource, actions in grants.items():
        apart = {UPDATE} & set(actions.split()) if resource in attributes else set()
        free = [action for action in actions.split() if action not in apart]
        if free:
            made.append(_statement(resource, free, arns))
        if apart:
            made.append(_statement(resource, apart, arns, _of_attributes(attributes[resource])))
    return made


def _statement(
    resource: str,
    actions: Iterable[str],
    arns: Arns,
    conditions: Mapping[str, object] | None = None,
) -> iam.PolicyStatement:
    service = SERVICE_OF_KIND[resource.split("/")[0]]
    return iam.PolicyStatement(
        actions=[f"{service}:{action}" for action in actions],
        resources=_resources(resource, arns),
        conditions=conditions,
    )


def _of_attributes(names: Sequence[str]) -> dict[str, object]:
    """An update that reads and writes these attributes only, and does not return others."""
    return {
        "ForAllValues:StringEquals": {"dynamodb:Attributes": list(names)},
        "StringEqualsIfExists": {"dynamodb:ReturnValues": ["NONE", "UPDATED_OLD", "UPDATED_NEW"]},
    }


def _resources(resource: str, arns: Arns) -> list[str]:
    kind, name, *index = resource.split("/")
    return [f"{arn}/index/{index[0]}" if index else arn for arn in arns[f"{kind}/{name}"]]
