"""The trading session of the simulated exchanges: it works on one order that has just arrived, or
on all orders that are due.
"""

from typing import Annotated, Any, Literal

from aws_lambda_powertools import Logger
from aws_lambda_powertools.utilities.typing import LambdaContext
from pydantic import Field, TypeAdapter

from functions.exchange_matching.settings import Settings
from simulators import bootstrap
from simulators.adapters.metrics import count
from trading.domain.values import Frozen

NO_NEW_WORK_MS = 15_000
"""The time that work on one order takes if its owner does not answer: three reports of four seconds
each, and the writes.
"""


class OrderArrived(Frozen):
    kind: Literal["order"]
    exchange_id: str
    client_order_id: str


class SessionTick(Frozen):
    kind: Literal["session"]


WORK: TypeAdapter[OrderArrived | SessionTick] = TypeAdapter(
    Annotated[OrderArrived | SessionTick, Field(discriminator="kind")]
)


logger = Logger()
session = bootstrap.exchange_session(Settings())


@logger.inject_lambda_context(clear_state=True)
def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, int]:
    """Answer the counts of what the work achieved."""
    work = WORK.validate_python(event)
    if isinstance(work, OrderArrived):
        logger.append_keys(exchange_id=work.exchange_id, client_order_id=work.client_order_id)
        worked = session.match_arrived(work.exchange_id, work.client_order_id)
    else:
        worked = session.tick(lambda: context.get_remaining_time_in_millis() > NO_NEW_WORK_MS)
    for name, value in worked._asdict().items():
        if value:
            count(f"Matching{name.capitalize()}", value)
    logger.info("worked", extra=worked._asdict())
    return worked._asdict()
