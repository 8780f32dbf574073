"""AWS clients, with our time-outs and retries."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import boto3

from trading.adapters.runtime.aws import CLIENT_CONFIG, DISPENSABLE_CONFIG

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_lambda import LambdaClient
    from mypy_boto3_secretsmanager import SecretsManagerClient
    from mypy_boto3_sqs import SQSClient
    from mypy_boto3_stepfunctions import SFNClient


def dynamodb() -> DynamoDBClient:
    return boto3.client("dynamodb", config=CLIENT_CONFIG)


def dispensable_dynamodb() -> DynamoDBClient:
    """For reads and writes that a function can do without, when DynamoDB does not answer."""
    return boto3.client("dynamodb", config=DISPENSABLE_CONFIG)


def events() -> Any:
    """EventBridge. Its stubs are not among our packages."""
    return boto3.client("events", config=CLIENT_CONFIG)


def kms() -> Any:
    """KMS. Its stubs are not among our packages."""
    return boto3.client("kms", config=CLIENT_CONFIG)


def lambdas() -> LambdaClient:
    return boto3.client("lambda", config=CLIENT_CONFIG)


def logs() -> Any:
    """CloudWatch Logs. We do not install its type stubs."""
    return boto3.client("logs", config=CLIENT_CONFIG)


def secrets_manager() -> SecretsManagerClient:
    return boto3.client("secretsmanager", config=CLIENT_CONFIG)


def sockets(url: str) -> Any:
    """The management API of a WebSocket API. Its stubs are not among our packages."""
    return boto3.client("apigatewaymanagementapi", endpoint_url=url, config=DISPENSABLE_CONFIG)


def sqs() -> SQSClient:
    return boto3.client("sqs", config=CLIENT_CONFIG)


def step_functions() -> SFNClient:
    return boto3.client("stepfunctions", config=CLIENT_CONFIG)
