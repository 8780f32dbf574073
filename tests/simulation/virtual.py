"""Replaces what would reach outside this process: the clock, sleep, randomness, AWS and HTTP."""

from __future__ import annotations

import contextlib
import io
import os
import random
import sys
import time
from collections.abc import Iterator
from functools import cache
from typing import Any, Protocol

import boto3
import botocore.client
import pytest
import time_machine
import urllib3
from boto3.dynamodb.types import TypeDeserializer, TypeSerializer

from tests.simulation import items
from tests.simulation.boto import client_error
from tests.simulation.cloud import Cloud
from tests.simulation.engine import current
from tests.simulation.lambdas import load_settings
from tests.simulation.outside import Outside
from tests.simulation.services.errors import ServiceError
from trading.adapters.identity import passwords
from trading.adapters.runtime import observability, settings

CHEAP_HASH = passwords._encode(2, 1, 1, b"salt", bytes(passwords._HASH_BYTES))
_make_client: Any = boto3.client


class Output(Protocol):
    """A destination for text."""

    def write(self, text: str, /) -> int:
        """Take a text."""
        ...


class Wall:
    """The wall clock and the randomness of a run. `output` takes what is printed and logged."""

    def __init__(self) -> None:
        self.output: Output = _Nowhere()
        self.chance = random.Random()
        self._traveller: Any = None

    def set(self, now: float) -> None:
        """Set the time that the clock shows from now on."""
        self._traveller.move_to(now)

    def bytes(self, size: int) -> bytes:
        """Replaces the operating system's randomness."""
        return self.chance.randbytes(size)


class _Nowhere:
    def write(self, text: str) -> int:
        """Discard a text."""
        return len(text)


class _Output(io.TextIOBase):
    """The standard output of the process. Loggers keep their stream, so it is always this one."""

    def __init__(self, wall: Wall) -> None:
        self._wall = wall

    def write(self, text: str) -> int:
        """Pass a text on to the output of the wall."""
        return self._wall.output.write(text)


class Connected:
    """What the functions' clients are connected to at present."""

    cloud: Cloud
    outside: Outside


@contextlib.contextmanager
def virtual_process(log_level: str = "CRITICAL") -> Iterator[tuple[Wall, type[Connected]]]:
    """Let functions imported in this context live in the simulation."""
    wall = Wall()
    boto3.setup_default_session(
        region_name="us-east-1", aws_access_key_id="simulated", aws_secret_access_key="simulated"
    )
    with pytest.MonkeyPatch.context() as patch, time_machine.travel(0.0, tick=False) as traveller:
        wall._traveller = traveller
        patch.setenv("LOG_LEVEL", "INFO")
        patch.setenv("POWERTOOLS_LOG_LEVEL", log_level)
        patch.setenv("POWERTOOLS_METRICS_DISABLED", "true")
        patch.delenv("AWS_ENDPOINT_URL", raising=False)
        patch.setattr(botocore.client.BaseClient, "_make_api_call", _call)
        patch.setattr(boto3, "client", lambda name, **_: _shared_client(name))
        patch.setattr(
            urllib3.PoolManager,
            "request",
            lambda _, *args, **kwargs: Connected.outside.http(*args, **kwargs),
        )
        patch.setattr(TypeDeserializer, "deserialize", items.deserialize)
        patch.setattr(TypeSerializer, "serialize", items.serialize)
        patch.setattr(settings, "load", load_settings)
        patch.setattr(time, "sleep", _sleep)
        patch.setattr(time, "monotonic", time.time)
        patch.setattr(os, "urandom", wall.bytes)
        patch.setattr(random, "_urandom", wall.bytes)
        patch.setattr(passwords, "_DUMMY", CHEAP_HASH)
        patch.setattr(passwords, "_N", 2)
        patch.setattr(passwords, "_R", 1)
        observability.logger.setLevel(log_level)
        output = _Output(wall)
        stream = observability.logger.registered_handler.setStream(output)  # type: ignore[attr-defined]
        with contextlib.redirect_stdout(output):
            try:
                yield wall, Connected
            finally:
                observability.logger.registered_handler.setStream(stream)  # type: ignore[attr-defined]
                for name in [name for name in sys.modules if name.startswith("functions.")]:
                    del sys.modules[name]


@cache
def _shared_client(name: str) -> Any:
    """Share clients, because they have no state and creating one takes longer than an order."""
    return _make_client(name)


def _call(client: Any, operation: str, params: dict[str, Any]) -> Any:
    try:
        answer = Connected.cloud.calls.make(
            client.meta.service_model.service_name, operation, params
        )
    except ServiceError as error:
        raise client_error(client, operation, error) from None
    return {
        **answer,
        "ResponseMetadata": {"HTTPStatusCode": 200, "HTTPHeaders": {}, "RetryAttempts": 0},
    }


def _sleep(seconds: float) -> None:
    process = current()
    if process is not None:
        process.sleep(seconds)
