"""Lets the local AWS keep the records of streams over a restart, as AWS does.

MiniStack keeps how far each mapping has read, and forgets the records. After a restart a mapping
would wait for as many new records as there had been before, and pass them over.
"""

import copy
from collections.abc import Callable
from typing import Any

from ministack.services import dynamodb  # type: ignore[import-untyped]

RECORDS, TRIMMED, COUNTER = "stream_records", "stream_trimmed", "stream_sequence"

State = dict[str, Any]


def apply() -> None:
    """Wrap MiniStack's state of DynamoDB. Once a process, before it serves."""
    dynamodb.get_state = kept(dynamodb.get_state)
    dynamodb.load_persisted_state = loaded(dynamodb.load_persisted_state)


def kept(get_state: Callable[[], State]) -> Callable[[], State]:
    """The state, with the records of streams and where they begin."""

    def wrapped() -> State:
        return get_state() | {
            RECORDS: copy.deepcopy(dynamodb._stream_records),
            TRIMMED: copy.deepcopy(dynamodb._stream_trimmed),
            COUNTER: dynamodb._stream_seq_counter,
        }

    return wrapped


def loaded(load: Callable[[State], Any]) -> Callable[[State], Any]:
    """Load the state, with the records of streams if it has any."""

    def wrapped(state: State) -> Any:
        answer = load(state)
        if state and RECORDS in state:
            dynamodb._stream_records.update(state[RECORDS])
            dynamodb._stream_trimmed.update(state[TRIMMED])
            dynamodb._stream_seq_counter = max(dynamodb._stream_seq_counter, state[COUNTER])
        return answer

    return wrapped
