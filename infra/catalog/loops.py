"""The functions that start themselves again, through their own messages or directly."""

from collections.abc import Mapping

from infra.catalog.grants import GRANTS
from infra.catalog.names import MAILBOXES

CONSUMERS = {**{mailbox: mailbox for mailbox in MAILBOXES}, "events": "event_log"}
"""A mailbox is read by the function of its name, the queue of the bus by the log of events."""


def looping_functions(
    grants: Mapping[str, Mapping[str, str]] = GRANTS,
    consumers: Mapping[str, str] = CONSUMERS,
) -> frozenset[str]:
    """The functions that can be reached from themselves, over queues and direct invocations.

    `consumers`: queue → the function that reads it. Lambda stops such a function after about 16
    invocations of one chain, unless its `RecursiveLoop` is `Allow`.
    """
    starts = {name: _started_by(allowed, consumers) for name, allowed in grants.items()}
    return frozenset(name for name in starts if name in _reached_from(name, starts))


def _started_by(allowed: Mapping[str, str], consumers: Mapping[str, str]) -> set[str]:
    """The functions that a function with these grants can start."""
    started = set()
    for resource, actions in allowed.items():
        kind, _, name = resource.partition("/")
        if kind == "queues" and "SendMessage" in actions.split() and name in consumers:
            started.add(consumers[name])
        if kind == "functions" and "InvokeFunction" in actions.split():
            started.add(name)
    return started


def _reached_from(name: str, starts: Mapping[str, set[str]]) -> set[str]:
    reached: set[str] = set()
    ahead = set(starts[name])
    while ahead:
        each = ahead.pop()
        reached.add(each)
        ahead |= starts.get(each, set()) - reached
    return reached
