"""Rotates the key that signs access tokens, when its schedule fires."""

from datetime import datetime
from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from functions.key_rotation.settings import Settings
from trading.adapters.runtime.observability import count, logger
from trading.adapters.runtime.settings import load
from trading.bootstrap import signing_key
from trading.domain.values import Frozen
from trading.metrics import Metric

rotate_signing_key = signing_key.rotate_signing_key(load(Settings))


class Occurrence(Frozen):
    """The input of the schedule: `{"scheduled_time": "<aws.scheduler.scheduled-time>"}`."""

    scheduled_time: datetime


@logger.inject_lambda_context(clear_state=True)
def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Answer `{version_id, rotated}`. `rotated` is false if the event was delivered before."""
    rotation = rotate_signing_key(Occurrence.model_validate(event).scheduled_time)
    if rotation.rotated:
        logger.info("rotated", version_id=rotation.version_id)
        count(Metric.SIGNING_KEY_ROTATED)
    else:
        logger.info("already rotated", version_id=rotation.version_id)
    return rotation.model_dump()
