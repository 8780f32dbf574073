"""SDK clients of the local AWS."""

from typing import Any

import boto3
from botocore.config import Config

from workstation.place import ACCOUNT, REGION, Place


def aws_client(place: Place, service: str) -> Any:
    """A boto3 client of the local AWS. Calls are not repeated by themselves: an invocation would
    run twice.
    """
    return boto3.client(
        service,  # type: ignore[call-overload]
        endpoint_url=place.endpoint,
        region_name=REGION,
        aws_access_key_id=ACCOUNT,
        aws_secret_access_key="local",  # noqa: S106  (the local AWS takes any)
        config=Config(read_timeout=330, retries={"total_max_attempts": 1}),
    )
