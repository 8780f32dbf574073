"""The patch of `local` that keeps the records of streams over a restart of the local AWS."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from ministack.core import persistence  # type: ignore[import-untyped]
from ministack.services import dynamodb  # type: ignore[import-untyped]

from local import stream_records

TABLE = "trading-dev-streamed"


@pytest.fixture(autouse=True)
def unchanged() -> Iterator[None]:
    """MiniStack of this process is as it was."""
    records, trimmed = dynamodb._stream_records, dynamodb._stream_trimmed
    yield
    for kept in (records, trimmed):
        kept.pop(TABLE, None)


def record(number: int) -> dict[str, Any]:
    return {"eventID": str(number), "dynamodb": {"SequenceNumber": str(number)}}


def restarted(get_state: Any, load: Any) -> None:
    """The state goes through a file, and the process begins with nothing."""
    text = json.dumps(get_state(), default=persistence._json_default)
    dynamodb._stream_records.pop(TABLE, None)
    dynamodb._stream_trimmed.pop(TABLE, None)
    load(json.loads(text, object_hook=persistence._json_object_hook))


def test_a_mapping_reads_on_where_it_was_before_the_restart() -> None:
    dynamodb._stream_records[TABLE] = [record(number) for number in range(5, 8)]
    dynamodb._stream_trimmed[TABLE] = 5
    position = 6
    get_state = stream_records.kept(dynamodb.get_state)
    restarted(get_state, stream_records.loaded(dynamodb.load_persisted_state))
    found = dynamodb.stream_records_since(TABLE, position, 10)
    assert [each["eventID"] for each in found] == ["6", "7"]
    assert dynamodb.stream_end_position(TABLE) == 8


def test_ministack_still_forgets_the_records() -> None:
    """If this fails, the patch may be superfluous."""
    dynamodb._stream_records[TABLE] = [record(0)]
    restarted(dynamodb.get_state, dynamodb.load_persisted_state)
    assert dynamodb.stream_records_since(TABLE, 0, 10) == []


def test_a_state_of_before_the_patch_is_loaded() -> None:
    stream_records.loaded(lambda state: state)({"tables": {}})
    assert TABLE not in dynamodb._stream_records
