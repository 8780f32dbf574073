"""The outside world: exchanges and a depository with their own books, reached over HTTP.

They have the interface of real ones (`trading.wire`, signed requests, callbacks) and may misbehave.
Our books are checked against what they really did.
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from decimal import Decimal
from functools import partial
from random import Random
from typing import Any
from urllib.parse import parse_qs, urlsplit

import urllib3

from tests.simulation.cloud import Cloud
from tests.simulation.depository import SimulatedDepository
from tests.simulation.engine import Process, current
from tests.simulation.exchange import SimulatedExchange
from tests.simulation.instants import timestamp
from tests.simulation.market import CENT
from tests.simulation.names import STAGE
from trading.adapters.venues.signatures import verify
from trading.wire import SettlementInstruction, SubmitOrder

EXCHANGE_TIMEOUT, DEPOSITORY_TIMEOUT = 1.5, 3.5
ORDER_PATH = re.compile(r"/exchanges/(\w+)/orders(?:/([^/]+))?")


@dataclass
class HttpResponse:
    """What is used of urllib3's response."""

    status: int
    data: bytes

    def read1(self, amount: int, *, decode_content: bool) -> bytes:
        """The next bytes of the body, and none at its end."""
        chunk, self.data = self.data[:amount], self.data[amount:]
        return chunk

    def release_conn(self) -> None:
        """Nothing is pooled."""

    def close(self) -> None:
        """Nothing is open."""


class Outside:
    """Everything that is not ours, behind HTTP."""

    def __init__(
        self,
        cloud: Cloud,
        prices: Mapping[str, Decimal],
        exchange_ids: tuple[str, ...],
        trading: tuple[float, float],
        settling: tuple[float, float],
    ) -> None:
        self._cloud = cloud
        self._engine = cloud.engine
        self._faults = cloud.faults
        self._prices = prices
        self._random = Random(f"{cloud.seed}/outside")
        self.secrets = {
            venue: f"secret of {venue} ".encode() * 4 for venue in (*exchange_ids, "depository")
        }
        self.exchanges = {
            name: SimulatedExchange(
                cloud, name, self.secrets[name], prices, partial(self._falls_ill, name)
            )
            for name in exchange_ids
        }
        self.depository = SimulatedDepository(cloud, self._random)
        self.answers_within = (0.005, 0.1)
        """The range of seconds that a request takes, each way."""
        self.submitted: list[str] = []
        """Child orders in the order in which they were sent, whether they arrived or not."""
        self.tried: list[str] = []
        """The same, and child orders that were queried without an answer. They may have been sent
        before.
        """
        hours = dict.fromkeys(exchange_ids, trading) | {"depository": settling}
        self._down = self._planned("venue_down", hours)
        self._hangs = self._planned("venue_hangs", hours)
        self._ever_overloaded: set[str] = set()
        self._overloaded: dict[str, float] = {}
        """Until when a venue that left a request unanswered refuses every other request."""

    def _planned(
        self, fault: str, hours: Mapping[str, tuple[float, float]]
    ) -> dict[str, tuple[float, float]]:
        """The venues that a fault hits, and when. The fault begins while they are at work."""
        planned = {}
        for venue, (opens, closes) in hours.items():
            if self._faults.happens(fault, self._random):
                start = self._random.uniform(opens, closes)
                planned[venue] = (start, start + self._random.choice((20, 200, 4000)))
        return planned

    @property
    def ever_out(self) -> Collection[str]:
        """The venues that were out of reach for a while, or will be."""
        return self._down.keys() | self._hangs.keys() | self._ever_overloaded

    def was_out(self, venue: str, since: float, until: float) -> bool:
        """Whether the venue was out of reach at a moment between these Unix times."""
        planned = [each[venue] for each in (self._down, self._hangs) if venue in each]
        return venue in self._ever_overloaded or any(
            start < until and since < end for start, end in planned
        )

    def _falls_ill(self, venue: str, random: Random) -> None:
        """Let a venue that did something wrong hang from now on, with some probability."""
        if self._faults.happens("venue_ill", random):
            self._hangs[venue] = (self._engine.now, self._engine.now + random.choice((5, 60, 600)))

    def _is_down(self, venue: str) -> bool:
        return self._now(self._down, venue)

    def _now(self, planned: Mapping[str, tuple[float, float]], venue: str) -> bool:
        start, end = planned.get(venue, (0.0, 0.0))
        return start <= self._engine.now < end

    def http(
        self,
        method: str,
        url: str,
        body: bytes | None = None,
        headers: dict[str, str] | None = None,
        preload_content: bool = True,
    ) -> Any:
        """Replaces urllib3's request for the functions. Returns the answer or raises urllib3's
        errors.
        """
        process = current()
        assert process is not None
        headers, body = headers or {}, body or b""
        venue = headers["X-Key-Id"]
        path = url.split(f"/{STAGE}", 1)[1]
        if path.startswith("/quotes/"):
            process.displayed.clear()
        if method == "POST" and venue != "depository":
            self.submitted.append(json.loads(body)["client_order_id"])
            self.tried.append(self.submitted[-1])
        lost = self._faults.happens("venue_no_answer", process.random) or self._now(
            self._hangs, venue
        )
        busy = self._faults.happens("venue_busy", process.random) or (
            self._overloaded.get(venue, 0.0) > self._engine.now and process.random.random() < 0.5
        )
        if lost:
            self._overloaded[venue] = self._engine.now + 10
        effect = process.random.random() < 0.5
        process.sleep(process.random.uniform(*self.answers_within))
        if self._faults.happens("killed_before", process.random):
            process.die("killed before HTTP")
        if method == "POST" and self._faults.happens("venue_sender_dies", process.random):
            if effect:
                late = process.random.choice((1, 200, 1000)) * process.random.random()
                self._arrives("orphan", late, venue, method, path, body)
            self._overloaded[venue] = self._engine.now + process.random.choice((10, 200, 800))
            self._ever_overloaded.add(venue)
            process.die(
                f"killed during {method} {path}, which {'arrives' if effect else 'never arrives'}"
            )
        matched = ORDER_PATH.fullmatch(path)
        asked = matched[2] if matched else None
        if asked and lost:
            self.tried.append(asked)
        if lost and not effect:
            if self._faults.happens("venue_late_arrival", process.random):
                self._cloud.log(process.name, method, path, "arrives late")
                self._arrives("late", process.random.uniform(1, 90), venue, method, path, body)
            else:
                self._cloud.log(process.name, method, path, "never arrived")
            raise self._no_answer(process, venue, url)
        lowered = {name.lower(): value for name, value in headers.items()}
        verify(lowered, [self.secrets[venue]], int(self._engine.now), method, path, body)
        status, answer = self._serve(venue, method, path, body, busy)
        self._cloud.log(process.name, method, path, status, "answer lost" if lost else answer)
        if asked and status == 503:
            self.tried.append(asked)
        if self._faults.happens("killed_after", process.random):
            process.die("killed after HTTP")
        if path.startswith("/quotes/"):
            process.displayed[answer["symbol"]] = [] if lost else answer["quotes"]
        if lost:
            raise self._no_answer(process, venue, url)
        return HttpResponse(status, json.dumps(answer).encode())

    def _arrives(
        self, what: str, later: float, venue: str, method: str, path: str, body: bytes
    ) -> None:
        """Let a request arrive when nobody waits for its answer any more."""
        self._engine.after(
            later, lambda: self._cloud.log(what, self._serve(venue, method, path, body, False))
        )

    @staticmethod
    def _no_answer(process: Process, venue: str, url: str) -> urllib3.exceptions.ReadTimeoutError:
        process.sleep(DEPOSITORY_TIMEOUT if venue == "depository" else EXCHANGE_TIMEOUT)
        return urllib3.exceptions.ReadTimeoutError(None, url, "no answer")  # type: ignore[arg-type]

    def _serve(
        self, venue: str, method: str, path: str, body: bytes, busy: bool
    ) -> tuple[int, Any]:
        parts = urlsplit(path)
        if parts.path.startswith("/quotes/"):
            return 200, self._quotes(parts.path.removeprefix("/quotes/"))
        if busy or self._is_down(venue):
            return 503, {"code": "DOWN"}
        if parts.path == "/depository/instructions":
            return self.depository.instruct(SettlementInstruction.model_validate_json(body))
        if parts.path == "/depository/confirmations":
            return self.depository.confirmations(parse_qs(parts.query))
        matched = ORDER_PATH.fullmatch(parts.path)
        assert matched is not None, path
        assert matched[1] == venue, path
        exchange = self.exchanges[venue]
        if method == "POST":
            return exchange.submit(SubmitOrder.model_validate_json(body))
        return exchange.cancel(matched[2]) if method == "DELETE" else exchange.status(matched[2])

    def _quotes(self, symbol: str) -> dict[str, Any]:
        price, quotes = self._prices[symbol], []
        for exchange_id in self.exchanges:
            if self._is_down(exchange_id):
                continue
            half_spread = CENT * self._random.randint(1, 4)
            middle = price + CENT * self._random.randint(-5, 5)
            quotes.append(
                {
                    "exchange_id": exchange_id,
                    "bid": str(middle - half_spread),
                    "bid_size": self._random.choice((50, 200, 1000, 100_000)),
                    "ask": str(middle + half_spread),
                    "ask_size": self._random.choice((50, 200, 1000, 100_000)),
                }
            )
        return {"symbol": symbol, "as_of": timestamp(self._engine.now), "quotes": quotes}
