"""The short form in which an item keeps an event.

DynamoDB bills writes by the kilobyte of the whole item. So the text is compressed with a preset
dictionary, `SAMPLE`, which has the texts that events repeat. The result is about a third as long.
"""

import base64
import zlib

from trading.domain.events import Event

SAMPLE = (
    b'{"id":"break/brk_","id":"client/","id":"order/ord_","id":"account/",'
    b'"type":"deposit.booked","type":"withdrawal.booked","type":"advance.closed",'
    b'"type":"break.recorded","type":"order.received","type":"order.rejected",'
    b'"type":"order.canceled","type":"order.expired","type":"account.changed",'
    b'"type":"client.changed","type":"order.changed","type":"trade.reversed",'
    b'"type":"trade.settled","type":"trade.cleared","type":"order.accepted",'
    b'"type":"order.executed","time":"2026-01-02T14:30:00.000000Z",'
    b'"aggregate":{"kind":"client","kind":"order","id":"ord_","aggregate":{"kind":"account",'
    b'"id":""},"sequence":2,"client_id":"","correlation_id":"00000000-0000-4000-8000-000000000000",'
    b'"topics":["trades"],"topics":["trades","balance","positions","position-updated",'
    b'"settlement-completed"],"topics":["orders","balance","trade-submitted","trade-validated"],'
    b'"topics":["orders","trades","balance","positions","position-updated"],"data":{"orders":[{'
    b'"order_id":"ord_0123456789abcdef","version":2,"client_order_id":"","symbol":"","side":"sell",'
    b'"order_type":"stop_limit","order_type":"market","order_type":"limit","time_in_force":"IOC",'
    b'"time_in_force":"FOK","time_in_force":"GTC","time_in_force":"DAY","quantity":100,'
    b'"limit_price":"","stop_price":"","status":"PARTIALLY_FILLED","status":"VALIDATED",'
    b'"status":"CANCELED","status":"REJECTED","status":"EXPIRED","status":"SETTLING",'
    b'"status":"SETTLED","status":"CLEARED","status":"FILLED","filled_quantity":100,'
    b'"average_price":"100.0000","reason":"","replaces":"ord_"}],"entries":[{'
    b'"trade_id":"trd_0123456789abcdef","kind":"REVERSAL","kind":"DEPOSIT","kind":"WITHDRAWAL",'
    b'"kind":"NOVATION","kind":"SETTLEMENT","kind":"FILL","order_id":"ord_",'
    b'"exchange_id":"XNYS","exchange_id":"XNAS","exchange_id":"ARCX","exchange_id":"BATS",'
    b'"symbol":"","side":"buy","quantity":10,"price":"","fees":"0.00","amount":"",'
    b'"executed_at":"2026-01-02T14:30:00.000000Z","settlement_date":"2026-01-05",'
    b'"corrects":"","reverses":"","corrected_by":"","reference":"","code":""}],'
    b'"balance":{"currency":"USD","available":"00.00","held_for_orders":"0.00","unsettled":"0.00",'
    b'"total":"","withdrawable":"","margin_in_use":"0.00","suspended":true,"suspended":false},'
    b'"positions":[{"symbol":"","available":0,"held":0,"unsettled":0,"cost_basis":"0.00",'
    b'"realised_profit":"0.00"}],"obligations":[{"trade_id":"trd_","settlement_date":"2026-",'
    b'"symbol":"","side":"","quantity":,"amount":"","discharged":true}],"discharged":false}]}}'
)
"""Never changed: what is stored can only be read with it. Another sample gets another mark."""
MARK = "1"
"""Before each text: the sample that it was made with."""


def packed(event: Event) -> str:
    """The short form of an event."""
    made = zlib.compressobj(9, zlib.DEFLATED, -15, 9, zlib.Z_DEFAULT_STRATEGY, SAMPLE)
    text = event.model_dump_json(exclude_defaults=True)
    return MARK + base64.b85encode(made.compress(text.encode()) + made.flush()).decode()


def unpacked(short: object) -> Event:
    """The event of a short form. Raises ValueError if it cannot be read."""
    if not isinstance(short, str) or not short.startswith(MARK):
        raise ValueError("an event of an unknown form")
    made = zlib.decompressobj(-15, SAMPLE)
    try:
        text = made.decompress(base64.b85decode(short[1:])) + made.flush()
    except zlib.error as error:
        raise ValueError(f"an event that cannot be read: {error}") from error
    return Event.model_validate_json(text)
