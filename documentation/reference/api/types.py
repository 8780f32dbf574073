"""How a schema reads in a table."""

import json
from collections.abc import Iterable, Iterator

from documentation.markdown import bullets, code, codes, link, table
from documentation.reference.api.specification import Schema

SCHEMAS = "schemas.md"
LIMITS = {
    "minimum": "≥ {}",
    "exclusiveMinimum": "> {}",
    "maximum": "≤ {}",
    "exclusiveMaximum": "< {}",
    "minLength": "{} characters or more",
    "maxLength": "{} characters or less",
    "minItems": "{} items or more",
    "maxItems": "{} items or less",
}
NULL = {"type": "null"}


def type_of(schema: Schema, schemas: str = SCHEMAS) -> str:
    """A schema's type: a link to its section on the page `schemas`, a list of values, or a JSON
    type.
    """
    match schema:
        case {"$ref": str(reference)}:
            name = reference.rpartition("/")[2]
            return link(name, f"{schemas}#{name.lower()}")
        case {"enum": values}:
            return codes(values)
        case {"const": value}:
            return code(value)
        case {"anyOf": choices}:
            return " or ".join(dict.fromkeys(type_of(choice, schemas) for choice in choices))
        case {"type": "array", "items": items}:
            return f"list of {type_of(items, schemas)}"
        case {"type": "string", "format": "date-time"}:
            return "time"
        case {"type": str(name)}:
            return name
    return "any"


def rules_of(schema: Schema) -> Iterator[str]:
    """What a value must satisfy beyond its type, and what is said of it."""
    if described := schema.get("description"):
        yield " ".join(described.split())
    for name, text in LIMITS.items():
        if name in schema:
            yield text.format(_number(schema[name]))
    if pattern := schema.get("pattern"):
        yield code(pattern)
    for choice in schema.get("anyOf", ()):
        if "$ref" not in choice:
            yield from rules_of(choice)


def said(parts: Iterable[str]) -> str:
    """What is said of a value, in one cell."""
    *first, last = [*dict.fromkeys(parts)] or [""]
    return "; ".join((*(part.removesuffix(".") for part in first), last))


def _number(value: float) -> str:
    return f"{value:,.0f}" if float(value).is_integer() else str(value)


def fields(schema: Schema, schemas: str = SCHEMAS) -> str:
    """An object's fields."""
    required = schema.get("required", ())
    return table(
        ("field", "type", "required", "default", ""),
        (
            (
                code(name),
                type_of(field, schemas),
                "yes" if name in required else "",
                code(json.dumps(field["default"])) if field.get("default") is not None else "",
                said(rules_of(field)),
            )
            for name, field in schema.get("properties", {}).items()
        ),
    )


def variants(schema: Schema) -> str:
    """The forms that an object may take, one of which it must have."""
    choices = schema.get("anyOf") or schema.get("oneOf") or ()
    told = [_variant(choice) for choice in choices if "properties" in choice]
    return f"One of these forms:\n\n{bullets(told)}" if told else ""


def _variant(choice: Schema) -> str:
    parts = []
    for name, field in choice["properties"].items():
        if field == NULL:
            parts.append(f"no {code(name)}")
        elif "enum" in field:
            parts.append(f"{code(name)} {codes(field['enum'], ' or ')}")
        elif name in choice.get("required", ()):
            parts.append(f"with {code(name)}")
    return ", ".join(parts)
