"""The routes that halt and resume instruments."""

from collections.abc import Callable
from typing import Annotated, Any

from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.event_handler.openapi.params import Body

from trading.adapters.faces.admin import Change, InstrumentView
from trading.adapters.http.fields import PathId
from trading.adapters.http.resolver import ApiResolver
from trading.usecases.administration.halt_instrument import HaltInstrument
from trading.usecases.administration.operator_actions import Operator

INSTRUMENT = "/api/v1/admin/instruments/<symbol>"
TAGS = ["Administration"]


def add_routes(
    app: ApiResolver,
    halt_instrument: HaltInstrument,
    once: Callable[[type[Any], Callable[[], Any]], Response[Any]],
    operator_of: Callable[[Change], Operator],
) -> None:
    """Add the routes. `once` answers a change once for its Idempotency-Key."""

    def set_tradable(symbol: str, request: Change, *, tradable: bool) -> Response[InstrumentView]:
        return once(
            InstrumentView,
            lambda: InstrumentView.of(halt_instrument(symbol, tradable, operator_of(request))),
        )

    @app.put(
        f"{INSTRUMENT}/halt",
        permission="instruments:write",
        summary="Halt an instrument",
        tags=TAGS,
    )
    def halt(symbol: PathId, request: Annotated[Change, Body()]) -> Response[InstrumentView]:
        """Halt an instrument. Within ten seconds, every worker rejects new orders in it with
        INSTRUMENT_HALTED. Orders at the exchanges stand.
        """
        return set_tradable(symbol, request, tradable=False)

    @app.put(
        f"{INSTRUMENT}/resume",
        permission="instruments:write",
        summary="Resume an instrument",
        tags=TAGS,
    )
    def resume(symbol: PathId, request: Annotated[Change, Body()]) -> Response[InstrumentView]:
        """Resume an instrument. Within ten seconds, every worker takes new orders in it again."""
        return set_tradable(symbol, request, tradable=True)
