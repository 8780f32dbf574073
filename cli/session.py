"""What all commands have in common: the profile, the API and the screen."""

import json
import os
import sys
from functools import cached_property
from typing import Any, Self

import typer
from rich.console import RenderableType

from cli import profiles
from cli.api import Api
from cli.failures import Exit, Failure
from cli.tokens import TokenCache, cache_directory
from trading.adapters.runtime import clock
from workstation.profiles import Profile
from workstation.screen import Screen


class Session:
    """One run of a command."""

    def __init__(self, profile_name: str | None, patience: float) -> None:
        self._profile_name = profile_name
        self._patience = patience
        self.as_json = False
        self.screen = Screen()

    def begin(self, as_json: bool) -> Self:
        """Choose between tables and JSON."""
        self.as_json = as_json
        self.screen = Screen(as_json)
        return self

    @property
    def profile_name(self) -> str | None:
        """The profile in use; None when the environment alone says everything. Raises Failure."""
        return profiles.current(self._profile_name)

    @cached_property
    def profile(self) -> Profile:
        """Raises Failure."""
        return profiles.chosen(self._profile_name)

    @cached_property
    def tokens(self) -> TokenCache:
        """Kept tokens."""
        return TokenCache(cache_directory(), clock.now)

    @cached_property
    def api(self) -> Api:
        """Raises Failure."""
        return Api(self.profile, self.tokens, ask_secret, ask_code, self.note, self._patience)

    def show(self, answer: Any, *parts: RenderableType) -> None:
        """The API's answer as JSON, or its parts one below the other."""
        self.screen.show(answer, *parts)

    def note(self, text: str) -> None:
        """Write a note to standard error, unless a script reads JSON."""
        if not self.as_json:
            self.screen.note(text)

    def key(self, given: str | None, new: str) -> str:
        """Return the idempotency key of this command.
        A new one is shown before anything is sent.
        """
        if given is None:
            self.note(f"idempotency key {new}")
        return given or new

    def fail(self, failure: Failure) -> None:
        """Write to standard error why the command fails; with --json as one JSON object."""
        if self.as_json:
            sys.stderr.write(json.dumps(failure.document) + "\n")
        else:
            self.screen.note("\n".join(failure.lines), "red")


def ask_secret(api_key: str) -> str:
    """Return TRADING_API_SECRET, or ask the user. Raises Failure."""
    given = os.environ.get("TRADING_API_SECRET")
    if given:
        return given
    if not sys.stdin.isatty():
        raise Failure.here(
            Exit.AUTHENTICATION, "NO_SECRET", "Set TRADING_API_SECRET, or use a terminal."
        )
    secret: str = typer.prompt(f"Secret of {api_key}", hide_input=True, err=True)
    return secret


def ask_code() -> str:
    """Return TRADING_CODE, or ask the user. Raises Failure."""
    given = os.environ.get("TRADING_CODE")
    if given:
        return given
    if not sys.stdin.isatty():
        raise Failure.here(
            Exit.AUTHENTICATION,
            "NO_CODE",
            "A code of your authenticator is needed. Set TRADING_CODE, or use a terminal.",
        )
    code: str = typer.prompt("Code of your authenticator, or a recovery code", err=True)
    return code.strip()
