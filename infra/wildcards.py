"""Every `*` in a role's permissions, and why it has to be one.
The template test allows no other.
"""

from aws_cdk import Acknowledgment, Validations
from constructs import IConstruct

_TRACING = "a trace belongs to no resource that could be named"
_LOG_DELIVERY = (
    "a log delivery has no ARN before it exists (Step Functions' own documentation asks for it)"
)

ANY_RESOURCE = {
    "cloudwatch:DescribeAlarms": "CodeDeploy looks at the alarms of all its groups at once",
    "dynamodb:ListStreams": "DynamoDB knows no permission to list the streams of one table only",
    "xray:PutTraceSegments": _TRACING,
    "xray:PutTelemetryRecords": _TRACING,
    "xray:GetSamplingRules": _TRACING,
    "xray:GetSamplingTargets": _TRACING,
    "logs:CreateLogDelivery": _LOG_DELIVERY,
    "logs:GetLogDelivery": _LOG_DELIVERY,
    "logs:UpdateLogDelivery": _LOG_DELIVERY,
    "logs:DeleteLogDelivery": _LOG_DELIVERY,
    "logs:ListLogDeliveries": _LOG_DELIVERY,
    "logs:PutResourcePolicy": _LOG_DELIVERY,
    "logs:DescribeResourcePolicies": _LOG_DELIVERY,
    "logs:DescribeLogGroups": _LOG_DELIVERY,
}
"""Actions allowed on `*`."""
ANY_STREAM = "a restored table has another stream, and the role goes on"
"""Why a role may read any stream of a table."""
ANY_CONNECTION = "a connection has no name before a client opens it"
"""Why a role may send to any connection of an API."""


def acknowledge(construct: IConstruct, reasons: dict[str, str]) -> None:
    """Acknowledge cdk-nag findings (rule id → reason) on a construct and everything below it."""
    Validations.of(construct).acknowledge(
        *(Acknowledgment(id=rule, reason=why) for rule, why in reasons.items())
    )


def acknowledge_any_resource(role: IConstruct) -> None:
    """Acknowledge that a role has permissions on `*`; which ones is up to ANY_RESOURCE."""
    acknowledge(
        role,
        {
            "AwsSolutions-IAM5[Resource::*]": (
                "Only the actions of infra/wildcards.py, each with its reason."
            )
        },
    )
