"""Starts the functions on the path of an order, so that first orders meet no cold start.

It also finds a function that cannot start, before an order depends on it.
"""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

from local import day
from workstation.local_system import LocalSystem

# A worker reports a record without a body as failed, here to nobody. An empty batch would be an
# error.
NO_MESSAGE: dict[str, Any] = {
    "Records": [
        {
            "messageId": "warm-up",
            "receiptHandle": "warm-up",
            "eventSource": "aws:sqs",
            "attributes": {"MessageGroupId": "warm-up", "ApproximateReceiveCount": "1"},
        }
    ]
}
NO_REQUEST = {
    "httpMethod": "GET",
    "path": "/",
    "resource": "/",
    "headers": {},
    "multiValueHeaders": {},
    "queryStringParameters": None,
    "multiValueQueryStringParameters": None,
    "pathParameters": None,
    "body": None,
    "isBase64Encoded": False,
    "requestContext": {"requestId": "warm-up", "stage": "dev", "identity": {}},
}
EVENTS: dict[str, dict[str, Any]] = {
    "auth": NO_REQUEST,
    "internal-auth": NO_REQUEST,
    "orders": NO_REQUEST,
    "callbacks": NO_REQUEST,
    "exchange-api": NO_REQUEST,
    "depository-api": NO_REQUEST,
    "execution": NO_MESSAGE,
    "clearing": NO_MESSAGE,
    "settlement": NO_MESSAGE,
    "exchange-matching": {"kind": "session"},
}


def warm_up(system: LocalSystem) -> None:
    """Invoke each function once with an event that asks for nothing.

    Raises LocalError if a function does not start.
    """
    with ThreadPoolExecutor(max_workers=2) as pool:
        for done in [
            pool.submit(day.invoke, system, function, event) for function, event in EVENTS.items()
        ]:
            done.result()
