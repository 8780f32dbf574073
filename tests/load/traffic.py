"""A client under load. It sends as fast as answers come, and repeats each request under its key
until it is answered.
"""

import asyncio
import time
from collections import Counter, deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from http import HTTPStatus
from random import Random
from typing import Any

import httpx

from local.api import Credentials
from tests.load.plan import ACCEPTED, Planned
from trading.adapters.http.problems import ProblemCode

TRY_SECONDS = 30.0
GIVE_UP_SECONDS = 600.0
LONGEST_PAUSE_SECONDS = 4.0
LANES = 2
"""The number of requests that one client has in flight."""
STALE_TOKEN = "stale"
RATE_LIMITED = f"{HTTPStatus.TOO_MANY_REQUESTS.value} {ProblemCode.RATE_LIMITED}"
HURRIED_REQUESTS = 400
HURRIED_LANES = 8


class UnansweredError(Exception):
    """No try of the request was answered."""


@dataclass(frozen=True)
class Answer:
    """The final answer to a request. Times are in seconds of the monotonic clock: the start of the
    first try, and the arrival of the answer.
    """

    outcome: str
    body: Any
    replayed: bool
    began: float
    ended: float
    tries: int

    @property
    def seconds(self) -> float:
        """The time from the first try to the answer, with all waits."""
        return self.ended - self.began

    @property
    def order_id(self) -> str | None:
        """The order that this answer made or named."""
        return str(self.body["order_id"]) if self.outcome.startswith("201 ") else None


@dataclass
class Sent:
    """A planned request and its final answer; None if there was none."""

    planned: Planned
    first: Answer | None = None
    repeated: Answer | None = None
    read: Answer | None = None


@dataclass
class Tally:
    """Counts so far: requests by result, final answers by outcome, and other tries by cause."""

    placed: int = 0
    accepted: int = 0
    rejected: int = 0
    answers: Counter[str] = field(default_factory=Counter)
    retries: Counter[str] = field(default_factory=Counter)
    complaints: list[str] = field(default_factory=list)

    def count(self, sent: Sent) -> None:
        """Count the answer to a planned request."""
        outcomes = [answer.outcome for answer in (sent.first, sent.repeated) if answer is not None]
        self.placed += 1
        self.accepted += ACCEPTED in outcomes
        self.rejected += any(outcome.startswith("201 REJECTED") for outcome in outcomes)


class Trader:
    """One client of the API. `slots` bounds the requests in flight of all clients together."""

    def __init__(
        self,
        http: httpx.AsyncClient,
        slots: asyncio.Semaphore,
        tally: Tally,
        secret: Credentials,
        number: int,
        seed: int,
    ) -> None:
        self.client_id = secret.client_id
        self._http = http
        self._slots = slots
        self._tally = tally
        self._secret = secret
        self._dice = Random(f"trader {seed} {number}")  # noqa: S311
        self._token: str | None = None
        self._logins = 0
        self._login = asyncio.Lock()
        self._not_before = 0.0

    async def place(self, planned: Sequence[Planned]) -> list[Sent]:
        """Send everything, `LANES` at a time. Later repetitions come after everything else."""
        sent = [Sent(each) for each in planned]
        queue = deque(sent)
        later: deque[Sent] = deque()

        async def lane() -> None:
            while queue:
                await self._begin(one := queue.popleft())
                if one.repeated is None and one.planned.repetition_is_later:
                    later.append(one)
            while later:
                one = later.popleft()
                one.repeated = await self._post_order(one.planned.key, one.planned.repetition)

        await asyncio.gather(*(lane() for _ in range(LANES)))
        return sent

    async def _begin(self, sent: Sent) -> None:
        planned = sent.planned
        posts = [self._post_order(planned.key, planned.content)]
        if planned.repeat.is_at_once:
            posts.append(self._post_order(planned.key, planned.repetition))
        sent.first, *repeated = await asyncio.gather(*posts)
        sent.repeated = repeated[0] if repeated else None
        self._tally.count(sent)
        if planned.read_back and sent.first is not None and sent.first.order_id is not None:
            sent.read = await self.show(sent.first.order_id)

    async def show(self, order_id: str) -> Answer | None:
        """GET the order."""
        return self._counted(await self.ask("GET", f"/api/v1/orders/{order_id}"))

    async def hurry(self) -> None:
        """Exceed the rate limit on purpose, until the API says so."""

        async def lane() -> None:
            for _ in range(HURRIED_REQUESTS // HURRIED_LANES):
                if RATE_LIMITED in self._tally.retries:
                    return
                await self.show("none")

        await asyncio.gather(*(lane() for _ in range(HURRIED_LANES)))

    async def ask(
        self, method: str, path: str, content: bytes | None = None, key: str | None = None
    ) -> Answer | None:
        """The final answer; None if there is none for ten minutes."""
        try:
            return await self._until_answered(method, path, content, key)
        except UnansweredError as error:
            self._tally.complaints.append(str(error))
            return None

    def spoil_token(self) -> None:
        """Make the API refuse this client's token from now on, as if it had expired."""
        self._token = STALE_TOKEN

    async def log_in(self) -> None:
        """Log in."""
        async with self._login:
            if self._token is not None:
                return
            self._logins += 1
            answer = await self._until_answered(
                "POST",
                "/api/v1/auth/token",
                httpx.Request(
                    "POST", "/", json=self._secret.model_dump(include={"api_key", "api_secret"})
                ).content,
                f"{self.client_id}-login-{self._logins}",
                with_token=False,
            )
            if answer.outcome != "200":
                raise UnansweredError(f"{self.client_id} could not log in: {answer.outcome}")
            self._token = answer.body["jwt_token"]

    async def _post_order(self, key: str, content: bytes) -> Answer | None:
        return self._counted(await self.ask("POST", "/api/v1/orders", content, key))

    def _counted(self, answer: Answer | None) -> Answer | None:
        if answer is not None:
            self._tally.answers[answer.outcome] += 1
        return answer

    async def _until_answered(
        self,
        method: str,
        path: str,
        content: bytes | None,
        key: str | None,
        with_token: bool = True,
    ) -> Answer:
        began = time.monotonic()
        tries, pause = 0, 0.1
        while True:
            if with_token:
                await self.log_in()
            await self._take_slot()
            try:
                began = began if tries else time.monotonic()
                tries += 1
                token = self._token
                response = await self._try(
                    method, path, content, key, token if with_token else None
                )
            finally:
                self._slots.release()
            ended = time.monotonic()
            if isinstance(response, httpx.Response) and not _is_to_repeat(response):
                replayed = response.headers.get("Idempotency-Replayed") == "true"
                return Answer(_outcome(response), _json(response), replayed, began, ended, tries)
            cause = response if isinstance(response, str) else _outcome(response)
            self._tally.retries[cause] += 1
            if ended - began > GIVE_UP_SECONDS:
                raise UnansweredError(
                    f"{method} {path} {key or ''}: no answer in {tries} tries, the last was {cause}"
                )
            if isinstance(response, httpx.Response):
                if response.status_code == 401 and self._token == token:
                    self._token = None
                    continue
                if self._obey(response):
                    continue
            await asyncio.sleep(self._dice.uniform(pause / 2, pause))
            pause = min(pause * 2, LONGEST_PAUSE_SECONDS)

    async def _take_slot(self) -> None:
        """Take a slot at a time at which this client may send."""
        while True:
            await asyncio.sleep(max(0.0, self._not_before - time.monotonic()))
            await self._slots.acquire()
            if self._not_before <= time.monotonic():
                return
            self._slots.release()

    async def _try(
        self, method: str, path: str, content: bytes | None, key: str | None, token: str | None
    ) -> httpx.Response | str:
        """The response, or the reason why there is none."""
        headers = {"Content-Type": "application/json"}
        headers |= {"Authorization": f"Bearer {token}"} if token else {}
        headers |= {"Idempotency-Key": key} if key else {}
        try:
            return await self._http.request(method, path, content=content, headers=headers)
        except httpx.TransportError as error:
            return f"no answer: {type(error).__name__}"

    def _obey(self, response: httpx.Response) -> bool:
        """Delay this client's next request for as long as the answer says. Returns whether the
        answer said so.
        """
        told = response.headers.get("Retry-After", "")
        if told.isdecimal():
            self._not_before = max(self._not_before, time.monotonic() + int(told))
            return True
        if response.status_code == 429:
            self._tally.complaints.append(f"a 429 without Retry-After: {response.text[:200]}")
        return False


def _is_to_repeat(response: httpx.Response) -> bool:
    """Whether the answer is not final, so that the client must repeat the request."""
    return response.status_code in (401, 409, 429) or response.status_code >= 500


def _outcome(response: httpx.Response) -> str:
    """The outcome, for example `201 REJECTED UNKNOWN_SYMBOL`, `422 VALIDATION_FAILED` or `200`."""
    body = _json(response)
    if response.status_code == 201 and "order_id" in body:
        reason = (body.get("reason") or {}).get("code")
        return " ".join(filter(None, ("201", body["status"], reason)))
    return " ".join(filter(None, (str(response.status_code), body.get("code"))))


def _json(response: httpx.Response) -> dict[str, Any]:
    try:
        body = response.json()
    except ValueError:
        return {}
    return body if isinstance(body, dict) else {}
