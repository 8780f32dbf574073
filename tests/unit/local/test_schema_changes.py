"""Each change of a schema that breaks its readers is named, and no other is."""

import copy
from typing import Any

import pytest

from local.schema_changes import breaking_changes

SCHEMA: dict[str, Any] = {
    "$defs": {
        "Kind": {"enum": ["one", "two"], "type": "string"},
        "Part": {
            "properties": {
                "kind": {"$ref": "#/$defs/Kind"},
                "amount": {"type": "string", "pattern": "^[0-9]+$"},
                "note": {"anyOf": [{"type": "string"}, {"type": "null"}], "default": None},
                "parts": {"type": "array", "items": {"$ref": "#/$defs/Part"}},
            },
            "required": ["kind", "amount"],
            "type": "object",
        },
    },
    "properties": {
        "schema_version": {"const": 1, "type": "integer"},
        "part": {"$ref": "#/$defs/Part"},
    },
    "required": ["schema_version", "part"],
    "type": "object",
}
PART = "$defs/Part"


def changed(**changes: Any) -> dict[str, Any]:
    """The schema with other values at these paths. None takes a value away."""
    schema = copy.deepcopy(SCHEMA)
    for path, value in changes.items():
        *above, last = path.split("/")
        found = schema
        for key in above:
            found = found[key]
        if value is None:
            del found[last]
        else:
            found[last] = value
    return schema


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({f"{PART}/properties/note": None}, "part.note: the property is gone"),
        ({"$defs/Kind/enum": ["one"]}, "part.kind: the value 'two' is gone"),
        (
            {"$defs/Kind": {"type": "string"}},
            "part.kind: the values were listed, and are not any more",
        ),
        (
            {f"{PART}/properties/amount": {"type": "number"}},
            "part.amount: the type was string and is number",
        ),
        (
            {f"{PART}/properties/note": {"type": "string"}},
            "part.note: the type was null or string and is string",
        ),
        (
            {
                f"{PART}/properties/amount": {
                    "anyOf": [{"type": "string", "pattern": "^[0-9]+$"}, {"type": "null"}]
                }
            },
            "part.amount: the type was string and is null or string",
        ),
        (
            {f"{PART}/properties/amount/pattern": "^-?[0-9]+$"},
            "part.amount: pattern was ^[0-9]+$ and is ^-?[0-9]+$",
        ),
        (
            {f"{PART}/properties/amount/pattern": None},
            "part.amount: pattern was ^[0-9]+$ and is None",
        ),
        (
            {f"{PART}/properties/amount/maxLength": 9},
            "part.amount: maxLength was None and is 9",
        ),
        (
            {
                f"{PART}/properties/new": {"type": "string"},
                f"{PART}/required": ["kind", "amount", "new"],
            },
            "part.new: the property is new and required, and earlier documents lack it",
        ),
        (
            {f"{PART}/required": ["kind", "amount", "note"]},
            "part.note: the property is required, and was not",
        ),
        (
            {f"{PART}/required": ["kind"]},
            "part.amount: the property was always there, and may be absent",
        ),
        (
            {f"{PART}/properties/parts/items": {"type": "string"}},
            "part.parts[]: the type was object and is string",
        ),
        (
            {f"{PART}/additionalProperties": False},
            "part: other properties were allowed, and are refused",
        ),
        ({"properties/schema_version/const": 0}, "schema_version: the value was 1 and is 0"),
    ],
)
def test_a_change_that_breaks_readers_is_named(changes: dict[str, Any], named: str) -> None:
    assert breaking_changes(SCHEMA, changed(**changes)) == [named]


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {f"{PART}/properties/new": {"type": "string"}},
        {"$defs/Kind/enum": ["one", "two", "three"]},
        {"$defs/Kind/description": "What it is."},
        {f"{PART}/properties/note/default": "none"},
        {f"{PART}/title": "Another"},
        {
            "$defs/Sort": {"enum": ["one", "two"], "type": "string"},
            f"{PART}/properties/kind": {"$ref": "#/$defs/Sort"},
        },
    ],
)
def test_a_change_that_readers_do_not_notice_is_none(changes: dict[str, Any]) -> None:
    assert breaking_changes(SCHEMA, changed(**changes)) == []


def test_a_greater_version_may_change_everything() -> None:
    after = changed(**{"properties/schema_version/const": 2, f"{PART}/properties/note": None})
    assert breaking_changes(SCHEMA, after) == []
