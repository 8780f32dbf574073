"""The events, from the committed schema and the enums of the domain."""

import json
from functools import cache

from documentation.markdown import bullets, code, json_block, paragraph, section, table
from documentation.places import DOCS
from documentation.reference.api.specification import Schema
from documentation.reference.api.types import fields
from documentation.reference.codes import codes_table
from trading.domain.events import AggregateKind, EventType, Topic

SCHEMA = DOCS / "reference" / "event.schema.json"
ASYNCAPI = DOCS / "reference" / "asyncapi.json"
HERE = ""
DESCRIBED = {enum.__name__ for enum in (AggregateKind, EventType, Topic)}
"""Enums that have a table of their own on the page."""


@cache
def schema() -> Schema:
    """The committed schema, which is checked against the code."""
    parsed: Schema = json.loads(SCHEMA.read_text())
    return parsed


def envelope() -> str:
    """The fields of an event."""
    return f"{paragraph(schema()['description'])}\n\n{fields(schema(), HERE)}"


def example() -> str:
    """An event as the bus carries it."""
    messages = json.loads(ASYNCAPI.read_text())["components"]["messages"]
    event = messages["event"]["examples"][0]["payload"]["detail"]
    return json_block(json.dumps(event, indent=2))


def types() -> str:
    """Every type with its meaning."""
    return codes_table(EventType)


def aggregates() -> str:
    """Every kind of aggregate with its meaning."""
    return codes_table(AggregateKind)


def topics() -> str:
    """Every topic with its meaning, and the pattern of a rule for it."""
    operations = json.loads(ASYNCAPI.read_text())["operations"]
    return table(
        ("topic", "meaning", "pattern of a rule"),
        (
            (
                code(topic),
                topic.sentence,
                code(json.dumps(operations[f"publish-{topic}"]["x-event-pattern"])),
            )
            for topic in Topic
        ),
    )


def stream() -> str:
    """The messages of the stream, who sends them, and an example of each."""
    document = json.loads(ASYNCAPI.read_text())
    found = document["components"]["messages"]
    sections = []
    for operation, who in (("ask", "A client sends it."), ("tell", "A client gets it.")):
        for reference in document["operations"][operation]["messages"]:
            name = reference["$ref"].rpartition("/")[2]
            payload = found[name]["examples"][0]["payload"]
            if name == "events":
                payload = payload | {"items": ["…"]}
            sections.append(
                section(
                    3,
                    code(name),
                    paragraph(f"{who} {found[name]['summary']}"),
                    json_block(json.dumps(payload, indent=2, ensure_ascii=False)),
                    anchor=f"message-{name}",
                )
            )
    return "\n".join(sections)


def data() -> str:
    """A section for each model that an event consists of, and for each enum without a table."""
    return "\n".join(
        section(
            3,
            name,
            paragraph(part.get("description", "")),
            bullets(map(code, part["enum"])) if "enum" in part else fields(part, HERE),
            anchor=name.lower(),
        )
        for name, part in schema()["$defs"].items()
        if name not in DESCRIBED
    )
