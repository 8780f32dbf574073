"""How long placing an order takes on the local AWS, against an empty function behind the same API and authorizer."""

import io
import os
import tempfile
import time
import zipfile
from collections.abc import Callable
from pathlib import Path
from statistics import median, quantiles
from typing import NamedTuple
from uuid import uuid4

import httpx

from local import deploy, run, seed, server
from local.api import TradingClient
from local.aws_client import aws_client
from local.place import ACCOUNT, REGION, STAGE, Place
from tests.benchmarks.measure import MARKET_BUY
from tests.benchmarks.measure import measure as measure_order
from tests.benchmarks.meter import Call

PORT = int(os.environ.get("TRADING_BENCH_PORT", "4650"))
REQUESTS = 100
WARM_UP = 10
PAUSE_SECONDS = 0.5
"""Before each request, so that none meets what the order before it still sets off; well below the rate limit."""
FLOOR_PATH = "floor"
# It prints: MiniStack waits for the first line of an invocation's log, and 50 ms for one that never comes.
FLOOR_CODE = "def handler(event, context):\n    print('{}')\n    return {'statusCode': 201, 'body': '{}'}\n"
ORDER = {
    "client_id": "alice",
    "stock_symbol": "KO",
    "quantity": 1,
    "order_type": "market",
    "side": "buy",
    "time_in_force": "DAY",
}


class Latency(NamedTuple):
    """Milliseconds."""

    median: float
    p95: float

    @classmethod
    def of(cls, seconds: list[float]) -> "Latency":
        """From single requests."""
        return cls(median(seconds) * 1000, quantiles(seconds, n=20)[-1] * 1000)


class Results(NamedTuple):
    """`accounting`: calls whose units the local AWS reports, and those that it does not count as we do."""

    order: Latency
    floor: Latency
    accounting: tuple[int, list[Call]]


def measure(progress: Callable[[str], None]) -> Results:
    """Placing an order, and the floor. Starts, deploys and stops a system of its own."""
    with tempfile.TemporaryDirectory() as directory:
        place = Place(Path(directory), PORT)
        progress("starting a local AWS")
        server.start(place, keep_state=False)
        try:
            deploy.deploy(place, progress)
            seed.seed(place)
            _add_floor(place)
            progress("accounting")
            accounting = _accounting(place)
            progress(f"{REQUESTS} orders")
            return Results(*_measure(place), accounting)
        finally:
            server.stop(place)


def _measure(place: Place) -> tuple[Latency, Latency]:
    orders, floors = [], []
    with TradingClient(run.api_url(place), seed.credentials(place)["alice"]) as client:
        client.log_in(str(uuid4()))
        for number in range(WARM_UP + REQUESTS):
            ours = _seconds(lambda: client.place(ORDER, str(uuid4())))
            floor = _seconds(lambda: client.post(f"/{FLOOR_PATH}", ORDER, str(uuid4())))
            if number >= WARM_UP:
                orders.append(ours)
                floors.append(floor)
    return Latency.of(orders), Latency.of(floors)


def _accounting(place: Place) -> tuple[int, list[Call]]:
    """Our count of DynamoDB's units against the local AWS's own, call by call."""
    usage = measure_order(MARKET_BUY, endpoint=place.endpoint).busy
    reported = [call for call in usage.calls if call.reported is not None]
    return len(reported), [call for call in reported if call.reported != call.write_units + call.read_units]


def _seconds(request: Callable[[], httpx.Response]) -> float:
    time.sleep(PAUSE_SECONDS)
    began = time.perf_counter()
    answer = request()
    took = time.perf_counter() - began
    if answer.status_code != 201:
        raise RuntimeError(f"answered {answer.status_code}: {answer.text[:300]}")
    return took


def _add_floor(place: Place) -> None:
    """An empty function behind the public API, beside what the template deployed."""
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as file:
        file.writestr("floor.py", FLOOR_CODE)
    function = aws_client(place, "lambda").create_function(
        FunctionName="bench-floor",
        Runtime="python3.13",
        Role=f"arn:aws:iam::{ACCOUNT}:role/bench-floor",
        Handler="floor.handler",
        Code={"ZipFile": archive.getvalue()},
        MemorySize=512,
    )
    gateway = aws_client(place, "apigateway")
    api_id = deploy.outputs(place)["PublicApiId"]
    root = next(
        item["id"] for item in gateway.get_resources(restApiId=api_id, limit=500)["items"] if item["path"] == "/"
    )
    authorizer = gateway.get_authorizers(restApiId=api_id)["items"][0]["id"]
    resource = gateway.create_resource(restApiId=api_id, parentId=root, pathPart=FLOOR_PATH)["id"]
    method = {"restApiId": api_id, "resourceId": resource, "httpMethod": "POST"}
    gateway.put_method(**method, authorizationType="CUSTOM", authorizerId=authorizer)
    invocation = f"arn:aws:apigateway:{REGION}:lambda:path/2015-03-31/functions/{function['FunctionArn']}/invocations"
    gateway.put_integration(**method, type="AWS_PROXY", integrationHttpMethod="POST", uri=invocation)
    gateway.create_deployment(restApiId=api_id, stageName=STAGE)
