"""Rotates the key that signs access tokens, when its schedule fires and a period is over."""

from datetime import timedelta
from typing import Annotated, Any

from aws_lambda_powertools.utilities.typing import LambdaContext
from pydantic import AwareDatetime, Field

from functions.key_rotation.settings import Settings
from trading.adapters.runtime.observability import count, logger
from trading.adapters.runtime.settings import load
from trading.bootstrap import signing_key
from trading.domain.values import Frozen
from trading.metrics import Metric

rotate_signing_key = signing_key.rotate_signing_key(load(Settings))


class Occurrence(Frozen):
    """The input of the schedule, which fires daily: its time, and how often to rotate.

    An operator leaves out `every_days`. Then the key is rotated at once.
    """

    scheduled_time: AwareDatetime
    every_days: Annotated[int, Field(gt=0)] | None = None

    @property
    def every(self) -> timedelta | None:
        return timedelta(days=self.every_days) if self.every_days else None


@logger.inject_lambda_context(clear_state=True)
def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Answer `{version_id, rotated}`. `rotated` is false if this was done before."""
    occurrence = Occurrence.model_validate(event)
    rotation = rotate_signing_key(occurrence.scheduled_time, occurrence.every)
    count(Metric.SIGNING_KEY_CHECKED)
    if rotation.rotated:
        logger.info("rotated", version_id=rotation.version_id)
        count(Metric.SIGNING_KEY_ROTATED)
    else:
        logger.info("already rotated", version_id=rotation.version_id)
    return rotation.model_dump()
