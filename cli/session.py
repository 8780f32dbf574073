"""What every command has in common: the profile, the API, and where the answer goes."""

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
    """One command at work. `screen`: standard output has the answer alone, everything else goes to
    standard error.
    """

    def __init__(self, profile_name: str | None, patience: float) -> None:
        self._profile_name = profile_name
        self._patience = patience
        self.as_json = False
        self.screen = Screen()

    def begin(self, as_json: bool) -> Self:
        """Say how the command answers."""
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
        return Api(self.profile, self.tokens, ask_secret, self.note, self._patience)

    def show(self, answer: Any, *parts: RenderableType) -> None:
        """The API's answer as JSON, or its parts one below the other."""
        self.screen.show(answer, *parts)

    def note(self, text: str) -> None:
        """Say something beside the answer. To a script, nothing."""
        if not self.as_json:
            self.screen.note(text)

    def key(self, given: str | None, new: str) -> str:
        """The idempotency key of this command, told before anything is sent."""
        if given is None:
            self.note(f"idempotency key {new}")
        return given or new

    def fail(self, failure: Failure) -> None:
        """Say why the command ends; to a script as one JSON object on standard error."""
        if self.as_json:
            sys.stderr.write(json.dumps(failure.document) + "\n")
        else:
            self.screen.note("\n".join(failure.lines), "red")


def ask_secret(api_key: str) -> str:
    """From TRADING_API_SECRET, or from whoever sits there. Raises Failure."""
    given = os.environ.get("TRADING_API_SECRET")
    if given:
        return given
    if not sys.stdin.isatty():
        raise Failure.here(
            Exit.AUTHENTICATION, "NO_SECRET", "Set TRADING_API_SECRET, or use a terminal."
        )
    secret: str = typer.prompt(f"Secret of {api_key}", hide_input=True, err=True)
    return secret
