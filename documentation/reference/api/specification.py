"""An OpenAPI document, read for rendering."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from documentation.places import DOCS

Schema = Mapping[str, Any]


@dataclass(frozen=True)
class Operation:
    """One method of one path."""

    method: str
    path: str
    body: Mapping[str, Any]

    @property
    def tag(self) -> str:
        """The page that it is on."""
        return str(self.body["tags"][0])

    @property
    def anchor(self) -> str:
        """Its place on the page."""
        return str(self.body["operationId"]).replace("_", "-")


@dataclass(frozen=True)
class Specification:
    """One API. `folder`: where its pages are, below docs/."""

    file: str
    folder: str

    @cached_property
    def document(self) -> Mapping[str, Any]:
        """The committed document, which is checked against the code."""
        parsed: Mapping[str, Any] = json.loads((DOCS / "reference" / self.file).read_text())
        return parsed

    @property
    def schemas(self) -> Mapping[str, Schema]:
        """All schemas by name."""
        found: Mapping[str, Schema] = self.document["components"]["schemas"]
        return found

    @property
    def operations(self) -> Iterator[Operation]:
        """All operations, as the document has them."""
        for path, methods in self.document["paths"].items():
            for method, body in methods.items():
                yield Operation(method.upper(), path, body)

    @property
    def tags(self) -> list[str]:
        """The tags, in the order of their first operation."""
        return list(dict.fromkeys(operation.tag for operation in self.operations))

    def resolve(self, node: Mapping[str, Any]) -> Mapping[str, Any]:
        """What a reference refers to; anything else is itself."""
        while "$ref" in node:
            found: Any = self.document
            for key in node["$ref"].removeprefix("#/").split("/"):
                found = found[key]
            node = found
        return node


PUBLIC = Specification("openapi.json", "reference/api")
INTERNAL = Specification("openapi-internal.json", "reference/internal-api")
CALLBACKS = Specification("openapi-callbacks.json", "reference/callbacks-api")
SPECIFICATIONS = (PUBLIC, INTERNAL, CALLBACKS)
