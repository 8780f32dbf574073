"""The simulated Lambda.

Workers import a function anew and keep its module state. They handle invocations.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, partial
from importlib.util import find_spec
from pathlib import Path
from random import Random
from types import CodeType, ModuleType
from typing import Any, TypeVar, cast

from aws_lambda_powertools.event_handler.api_gateway import BaseRouter
from aws_lambda_powertools.utilities.circuit_breaker import base as circuit_breaker
from pydantic_settings import BaseSettings

from infra.catalog.functions import SERVICES
from infra.catalog.grants import GRANTS, token_audience
from infra.catalog.names import SIGNING_KEYS
from infra.constructs.naming import dashed
from tests.simulation.engine import LATENCY, Engine, Outcome, Process
from tests.simulation.faults import Faults
from tests.simulation.names import STAGE
from trading.adapters.runtime import settings

ASYNCHRONOUS_RETRIES = (60.0, 120.0)
THROTTLED, THROTTLED_AGAIN = "throttled", 60.0
"""Why a function was not invoked, and when an asynchronous invocation is tried again then."""
Settings = TypeVar("Settings", bound=BaseSettings)
_read_settings = settings.load
_settings: dict[tuple[type[BaseSettings], str, str], BaseSettings] = {}


@dataclass
class Context:
    """What a function sees of its invocation."""

    function_name: str
    aws_request_id: str
    process: Process | None = None
    memory_limit_in_mb: int = 512

    @property
    def invoked_function_arn(self) -> str:
        """The ARN that others invoke the function by."""
        return f"arn:aws:lambda:us-east-1:000000000000:function:{self.function_name}"

    def get_remaining_time_in_millis(self) -> int:
        """The time until the function's time-out."""
        assert self.process is not None
        return int(self.process.remaining * 1000)


class Worker:
    """An execution environment: one import of a function's module with its state, and a machine's
    clock.
    """

    def __init__(
        self, function: str, environment: Mapping[str, str], skew: float, number: int
    ) -> None:
        os.environ |= environment
        self.module = _import_anew(f"functions.{function}.handler")
        self.skew = skew
        self.name = f"{function}/{number}"
        self._breaker: tuple[dict[str, int], dict[str, int], dict[str, Any]] = ({}, {}, {})
        self._probe_owner = f"probe-{self.name}"
        self._request: tuple[Any, Any] = (None, None)

    def enter(self) -> None:
        """Switch libraries that keep global state to this worker."""
        BaseRouter.current_event, BaseRouter.lambda_context = self._request
        (
            circuit_breaker._LOCAL_FAILURES,
            circuit_breaker._LOCAL_SUCCESSES,
            circuit_breaker._LAST_OBSERVED_STATE,
        ) = self._breaker
        circuit_breaker._PROBE_OWNER.id = self._probe_owner
        circuit_breaker._PROBE_OWNER.pid = os.getpid()

    def leave(self) -> None:
        """Switch back, because another worker runs next."""
        self._request = (BaseRouter.current_event, BaseRouter.lambda_context)


def load_settings(settings_type: type[Settings]) -> Settings:
    """Replaces `settings.load`: all workers of a function have the same environment."""
    key = (settings_type, os.environ["TOKEN_AUDIENCE"], os.environ["SIGNING_KEYS"])
    known = _settings.get(key)
    if known is None:
        known = _settings[key] = _read_settings(settings_type)
    return cast("Settings", known)


@cache
def compiled(name: str) -> CodeType:
    found = find_spec(name)
    assert found is not None, name
    assert found.origin is not None, name
    return compile(Path(found.origin).read_bytes(), found.origin, "exec")


def _import_anew(name: str) -> ModuleType:
    """A new module, run from its first line, as at a cold start."""
    code = compiled(name)
    module = sys.modules[name] = ModuleType(name)
    module.__file__ = code.co_filename
    exec(code, module.__dict__)  # noqa: S102
    return module


class Lambda:
    """Invokes functions. Each invocation is a process of its own in a worker of its own."""

    def __init__(
        self, engine: Engine, seed: str, random: Random, faults: Faults, log: Callable[..., None]
    ) -> None:
        _settings.clear()
        self.invocations = 0
        self._engine = engine
        self._seed = seed
        self._random = random
        self._faults = faults
        self._log = log
        self._cold_starts = 0
        self._accepted = 0
        self._idle: dict[str, list[Worker]] = {name: [] for name in SERVICES}
        self._releases = dict.fromkeys(SERVICES, 1)
        self._keys: Mapping[str, Sequence[str]] = {}
        self.is_throttled: Callable[[], bool] = lambda: False
        """Whether the account's concurrency is used up, so that no function is invoked."""

    def invoke(self, function: str, event: Any, key: str, done: Callable[[Outcome], None]) -> None:
        """Run a function once.

        `key` names the cause. The faults drawn for the invocation depend on it alone, not on other
        events.
        """
        if self.is_throttled():
            self._log(function, THROTTLED, key)
            self._engine.after(LATENCY[0], lambda: done(Outcome(killed=THROTTLED)))
            return
        self.invocations += 1
        worker, release = self._worker(function), self._releases[function]
        context = Context(f"{STAGE}-{dashed(function)}", f"{function}-{self.invocations}")
        name = f"{worker.name} {key}"

        def body() -> Any:
            return worker.module.handler(event, context)

        def ended(outcome: Outcome) -> None:
            if outcome.killed is None and release == self._releases[function]:
                self._idle[function].append(worker)
            said = outcome.killed or (
                repr(outcome.error)[:200] if outcome.error else _summary(outcome.value)
            )
            self._log(name, "ended", said)
            done(outcome)

        process = context.process = Process(
            self._engine,
            name,
            Random(f"{self._seed}/{function}/{key}"),
            body,
            ended,
            timeout=SERVICES[function].timeout,
            skew=worker.skew,
        )
        process.entered, process.left = worker.enter, worker.leave
        self._log(name, "invoked")

    def retrying(self, function: str, event: Any, key: str, attempt: int = 0) -> None:
        """An asynchronous invocation. It is retried after one minute and after two more, then given
        up.
        """

        def done(outcome: Outcome) -> None:
            if outcome.killed == THROTTLED:  # Lambda tries that for hours, and does not count it
                again = partial(self.retrying, function, event, key, attempt)
                self._engine.after(THROTTLED_AGAIN, again)
                return
            failed = outcome.error is not None or outcome.killed is not None
            if failed and attempt < len(ASYNCHRONOUS_RETRIES):
                pause = ASYNCHRONOUS_RETRIES[attempt]
                self._engine.after(pause, lambda: self.retrying(function, event, key, attempt + 1))

        self.invoke(function, event, f"{key} #{attempt + 1}", done)

    def call(self, operation: str, params: dict[str, Any]) -> dict[str, Any]:
        """The API of the service: invoke a function asynchronously, by its ARN.

        Lambda does so at least once.
        """
        if (operation, params.get("InvocationType")) != ("Invoke", "Event"):
            raise NotImplementedError(f"{operation} {params.get('InvocationType')}")
        name = params["FunctionName"].rpartition(":")[2]
        function = name.removeprefix(f"{STAGE}-").replace("-", "_")
        self._accepted += 1
        for copy in range(2 if self._faults.happens("schedule_twice", self._random) else 1):
            self._engine.after(
                self._random.uniform(0.01, 2) * (copy + 1),
                partial(
                    self.retrying,
                    function,
                    json.loads(params["Payload"]),
                    f"further {self._accepted}.{copy}",
                ),
            )
        return {"StatusCode": 202}

    def deploy_signing_keys(self, keys: Mapping[str, Sequence[str]]) -> None:
        """Give functions new keys: ids by the catalog's name, the one that signs first.

        What runs goes on with the old keys. The next invocation starts cold.
        """
        self._keys = keys
        for function in SERVICES:
            if any(f"keys/{name}" in GRANTS[function] for name in SIGNING_KEYS):
                self._idle[function] = []
                self._releases[function] += 1

    def _environment(self, function: str) -> dict[str, str]:
        """The variables that differ between functions."""
        keys = {
            audience: self._keys[name]
            for name, audience in SIGNING_KEYS.items()
            if f"keys/{name}" in GRANTS[function]
        }
        return {
            "TOKEN_AUDIENCE": token_audience(function),
            "SIGNING_KEYS": json.dumps(keys),
        }

    def _worker(self, function: str) -> Worker:
        idle = self._idle[function]
        if idle and not self._faults.happens("cold", self._random):
            return idle.pop(self._random.randrange(len(idle)))
        self._cold_starts += 1
        skew = self._faults.rates.skew
        self._engine.set_wall_clock(self._engine.now)
        return Worker(
            function,
            self._environment(function),
            self._random.uniform(-skew, skew),
            self._cold_starts,
        )


def _summary(value: Any) -> str:
    if isinstance(value, dict):
        if "statusCode" in value:
            return f"{value['statusCode']} {value.get('body', '')[:160]}"
        if "policyDocument" in value:
            return "allowed"
    return json.dumps(value, default=str)[:200]
