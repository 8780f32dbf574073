"""Pydantic models, rendered with all that they refer to."""

from collections.abc import Sequence

from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from documentation.markdown import paragraph, section
from documentation.reference.api.specification import Schema
from documentation.reference.api.types import fields, type_of

HERE = ""
"""The page that all links lead to: the one that the models are on."""


def schemas(models: Sequence[type[BaseModel]]) -> dict[str, Schema]:
    """The models' schemas by name, in the order of their first mention."""
    _, document = models_json_schema([(model, "validation") for model in models])
    found: dict[str, Schema] = document.get("$defs", {})
    named = [model.__name__ for model in models]
    return {
        name: found[name] for name in (*named, *(other for other in found if other not in named))
    }


def render(models: Sequence[type[BaseModel]], level: int = 2) -> str:
    """A section for each model and for each model or enum that it refers to."""
    return "\n".join(
        section(
            level,
            name,
            paragraph(schema.get("description", "")),
            f"One of {type_of(schema)}." if "enum" in schema else fields(schema, HERE),
            anchor=name.lower(),
        )
        for name, schema in schemas(models).items()
    )
