"""The schema of events and the AsyncAPI document say what the code does."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from local import openapi
from local.event_schema import ASYNCAPI, COMPONENTS, EXAMPLE, SCHEMA, event_schema
from trading.domain.events import Event, EventType, Topic, topics_of

ROOT = Path(__file__).resolve().parents[3]


def committed(path: str) -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads((ROOT / path).read_text())
    return loaded


def references(part: Any) -> Iterator[str]:
    """Every reference in a document."""
    if isinstance(part, dict):
        if isinstance(part.get("$ref"), str):
            yield part["$ref"]
        for each in part.values():
            yield from references(each)
    elif isinstance(part, list):
        for each in part:
            yield from references(each)


def at(document: dict[str, Any], reference: str) -> Any:
    """What a reference leads to."""
    found: Any = document
    for key in reference.removeprefix("#/").split("/"):
        found = found[key]
    return found


def test_the_example_is_an_event() -> None:
    event = Event.model_validate(EXAMPLE, strict=False)
    assert event.topics == topics_of(event.type, event.data)
    assert event.id == f"{event.aggregate.kind}/{event.aggregate.id}/{event.sequence}"


@pytest.mark.parametrize("without_nulls", [True, False])
def test_an_event_is_valid_with_its_nulls_and_without_them(without_nulls: bool) -> None:
    event = Event.model_validate(EXAMPLE | {"client_id": None}, strict=False)
    written = json.loads(event.model_dump_json(exclude_none=without_nulls))
    assert ("client_id" in written) != without_nulls
    jsonschema.validate(written, event_schema())


@pytest.mark.parametrize(
    "wrong",
    [
        {"schema_version": 2},
        {"type": "order.lost"},
        {"sequence": "42"},
        {"topics": ["gossip"]},
        {"data": {"balance": {"currency": "USD"}}},
    ],
)
def test_what_is_no_event_is_not_valid(wrong: dict[str, Any]) -> None:
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(EXAMPLE | wrong, event_schema())


def test_readers_of_the_schema_take_fields_of_later_releases() -> None:
    jsonschema.validate(EXAMPLE | {"later": 1}, event_schema())
    assert Event.model_validate(EXAMPLE | {"later": 1}, strict=False) == Event.model_validate(
        EXAMPLE, strict=False
    )


def test_every_reference_of_the_asyncapi_document_leads_somewhere() -> None:
    document = committed(ASYNCAPI)
    found = set(references(document))
    assert f"{COMPONENTS}Event" in found
    for reference in found:
        assert at(document, reference), reference


def test_every_topic_has_an_operation_with_the_pattern_of_its_rule() -> None:
    operations = committed(ASYNCAPI)["operations"]
    for topic in Topic:
        pattern = operations[f"publish-{topic}"]["x-event-pattern"]
        assert pattern == {"source": ["trading"], "detail": {"topics": [topic]}}
    others = {"publish", "follow", "ask", "tell"}
    assert operations.keys() == {f"publish-{topic}" for topic in Topic} | others


def test_the_examples_of_the_asyncapi_document_are_valid() -> None:
    document = committed(ASYNCAPI)
    for message in document["components"]["messages"].values():
        for example in message["examples"]:
            schema = {"$ref": message["payload"]["$ref"], "components": document["components"]}
            jsonschema.validate(example["payload"], schema)


def test_the_feed_has_the_parameters_of_its_route() -> None:
    query = committed(ASYNCAPI)["operations"]["follow"]["bindings"]["http"]["query"]
    assert query["properties"]["wait"]["maximum"] == 20
    assert query["properties"].keys() == {"since", "topic", "limit", "wait"}


def test_a_schema_that_breaks_consumers_is_neither_accepted_nor_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    before = committed(SCHEMA)
    before["$defs"]["EventType"]["enum"].append("order.lost")
    written = tmp_path / SCHEMA
    written.parent.mkdir(parents=True)
    written.write_text(json.dumps(before))
    monkeypatch.setattr(openapi, "ROOT", tmp_path)
    for arguments in ([], ["--check"]):
        assert openapi.main(arguments) == 1
        assert "type: the value 'order.lost' is gone" in capsys.readouterr().err
    assert json.loads(written.read_text()) == before
    assert {member.value for member in EventType} == set(before["$defs"]["EventType"]["enum"]) - {
        "order.lost"
    }
