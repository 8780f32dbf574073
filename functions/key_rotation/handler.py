"""A new signing key; Secrets Manager keeps the old one as AWSPREVIOUS, so tokens signed with it
stay valid.
"""

import hashlib
import secrets
from datetime import datetime
from typing import Any

import boto3
from aws_lambda_powertools.utilities.typing import LambdaContext

from functions.key_rotation.settings import Settings
from trading.adapters.runtime.aws import CLIENT_CONFIG
from trading.adapters.runtime.observability import count, logger
from trading.adapters.runtime.settings import load
from trading.domain.values import Frozen
from trading.metrics import Metric

settings = load(Settings)
client = boto3.client("secretsmanager", config=CLIENT_CONFIG)


class Occurrence(Frozen):
    """The schedule's input: `{"scheduled_time": "<aws.scheduler.scheduled-time>"}`."""

    scheduled_time: datetime


@logger.inject_lambda_context(clear_state=True)
def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Rotate once for each time the schedule fires, however often its event is delivered."""
    occurrence = Occurrence.model_validate(event)
    seed = f"{settings.signing_key_secret_id}|{occurrence.scheduled_time.isoformat()}"
    version_id = hashlib.sha256(seed.encode()).hexdigest()
    try:
        client.put_secret_value(
            SecretId=settings.signing_key_secret_id,
            ClientRequestToken=version_id,
            SecretString=secrets.token_urlsafe(64),
        )
    except client.exceptions.ResourceExistsException:
        logger.info("already rotated", version_id=version_id)
        return {"version_id": version_id, "rotated": False}
    logger.info("rotated", version_id=version_id)
    count(Metric.SIGNING_KEY_ROTATED)
    return {"version_id": version_id, "rotated": True}
