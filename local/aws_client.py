"""SDK clients of the local AWS."""

from typing import Any

import boto3
from botocore.config import Config

from workstation.local_system import ACCOUNT, REGION, LocalSystem


def aws_client(system: LocalSystem, service: str) -> Any:
    """Make a boto3 client of the local AWS. It does not retry: an invocation would run twice."""
    return boto3.client(
        service,  # type: ignore[call-overload]
        endpoint_url=system.endpoint,
        region_name=REGION,
        aws_access_key_id=ACCOUNT,
        aws_secret_access_key="local",  # noqa: S106  (the local AWS takes any)
        config=Config(read_timeout=330, retries={"total_max_attempts": 1}),
    )
