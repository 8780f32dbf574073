"""Checks the AsyncAPI document against the schema that AsyncAPI publishes."""

import json
from collections.abc import Mapping
from typing import Any

from jsonschema import Draft7Validator  # type: ignore[import-untyped]

from documentation.vendor import ASYNCAPI, vendored


def errors_of(document: Mapping[str, Any]) -> list[str]:
    """Where the document is not as AsyncAPI 3.0 wants it, and why."""
    schema = json.loads(vendored(ASYNCAPI).read_text())
    return [
        f"{'/'.join(map(str, error.absolute_path)) or 'the document'}: {error.message[:200]}"
        for error in Draft7Validator(schema).iter_errors(document)
    ]
