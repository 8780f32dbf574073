"""The deadline of a Lambda invocation."""

from datetime import timedelta

from aws_lambda_powertools.utilities.typing import LambdaContext

from trading.domain.deadline import Deadline


def invocation_deadline(context: LambdaContext, reserve: timedelta) -> Deadline:
    """The deadline that leaves a reserve of the time after which Lambda ends the invocation."""

    def time_left() -> timedelta:
        return timedelta(milliseconds=context.get_remaining_time_in_millis()) - reserve

    return Deadline(time_left)
