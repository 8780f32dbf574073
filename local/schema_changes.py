"""Names what breaks the readers of a JSON Schema when it changes.

Readers ignore properties that they do not know, and do not care for descriptions. They rely on
everything else: on each property, its type, each value of an enum and each pattern.
"""

from collections.abc import Iterator, Mapping
from typing import Any

Schema = Mapping[str, Any]
VERSION = "schema_version"
LIMITS = (
    "pattern",
    "format",
    "minimum",
    "maximum",
    "exclusiveMinimum",
    "exclusiveMaximum",
    "minLength",
    "maxLength",
    "minItems",
    "maxItems",
)


def breaking_changes(before: Schema, after: Schema) -> list[str]:
    """What a reader of `before` cannot cope with in `after`, one sentence each. A greater
    `schema_version` may break everything.
    """
    if version_of(after) > version_of(before):
        return []
    changes = _Comparison(before, after).of("", before, after)
    return list(dict.fromkeys(changes))


def version_of(schema: Schema) -> int:
    """The version that the documents of the schema name."""
    return int(schema["properties"][VERSION]["const"])


class _Comparison:
    def __init__(self, before: Schema, after: Schema) -> None:
        self._before, self._after = before, after
        self._under_way: set[tuple[str, str]] = set()

    def of(self, where: str, before: Schema, after: Schema) -> Iterator[str]:
        """The changes of a part. `where`: its path, empty for the whole."""
        pair = (before.get("$ref", ""), after.get("$ref", ""))
        if all(pair):
            if pair in self._under_way:
                return
            self._under_way.add(pair)
        yield from self._compared(
            where, _resolved(self._before, before), _resolved(self._after, after)
        )
        self._under_way.discard(pair)

    def _compared(self, where: str, before: Schema, after: Schema) -> Iterator[str]:
        name = where or "the document"
        before_forms, after_forms = self._forms(before, after)
        if before_forms.keys() != after_forms.keys():
            yield f"{name}: the type was {_either(before_forms)} and is {_either(after_forms)}"
            return
        for form, (first, then) in _paired(before_forms, after_forms):
            yield from self._same_type(where, form, first, then)

    def _forms(self, before: Schema, after: Schema) -> tuple[dict[str, Schema], dict[str, Schema]]:
        return _forms(self._before, before), _forms(self._after, after)

    def _same_type(self, where: str, form: str, before: Schema, after: Schema) -> Iterator[str]:
        name = where or "the document"
        if "const" in before and before["const"] != after.get("const"):
            yield f"{name}: the value was {before['const']!r} and is {after.get('const')!r}"
        if "enum" in before and "enum" not in after:
            yield f"{name}: the values were listed, and are not any more"
        for value in before.get("enum", ()):
            if value not in after.get("enum", (value,)):
                yield f"{name}: the value {value!r} is gone"
        for limit in LIMITS:
            if before.get(limit) != after.get(limit):
                yield f"{name}: {limit} was {before.get(limit)} and is {after.get(limit)}"
        if form == "object":
            yield from self._objects(where, before, after)
        if "items" in before and "items" in after:
            yield from self.of(f"{where}[]", before["items"], after["items"])

    def _objects(self, where: str, before: Schema, after: Schema) -> Iterator[str]:
        was, now = before.get("properties", {}), after.get("properties", {})
        for key, first in was.items():
            path = f"{where}.{key}" if where else key
            if key not in now:
                yield f"{path}: the property is gone"
                continue
            yield from self.of(path, first, now[key])
        required_before, required = set(before.get("required", ())), set(after.get("required", ()))
        for key in sorted(required_before ^ required):
            path = f"{where}.{key}" if where else key
            if key in required and key not in was:
                yield f"{path}: the property is new and required, and earlier documents lack it"
            elif key in required:
                yield f"{path}: the property is required, and was not"
            elif key in now:
                yield f"{path}: the property was always there, and may be absent"
        if after.get("additionalProperties") is False and (
            before.get("additionalProperties") is not False
        ):
            yield f"{where or 'the document'}: other properties were allowed, and are refused"


def _resolved(document: Schema, schema: Schema) -> Schema:
    """What a reference refers to. What stands beside the reference only describes it."""
    while "$ref" in schema:
        found: Any = document
        for key in schema["$ref"].removeprefix("#/").split("/"):
            found = found[key]
        schema = found
    return schema


def _forms(document: Schema, schema: Schema) -> dict[str, Schema]:
    """The forms that a value may take, by JSON type."""
    if "anyOf" in schema:
        return {
            name: form
            for choice in schema["anyOf"]
            for name, form in _forms(document, _resolved(document, choice)).items()
        }
    types = schema.get("type", "any")
    return dict.fromkeys([types] if isinstance(types, str) else types, schema)


def _paired(
    before: Mapping[str, Schema], after: Mapping[str, Schema]
) -> Iterator[tuple[str, tuple[Schema, Schema]]]:
    for form in before:
        yield form, (before[form], after[form])


def _either(forms: Mapping[str, Schema]) -> str:
    return " or ".join(sorted(forms))
