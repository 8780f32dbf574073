"""Entities from their items, in a module that is quick to import."""

from collections.abc import Mapping
from typing import Any, TypeVar

from pydantic import BaseModel

Model = TypeVar("Model", bound=BaseModel)


def load_entity(model: type[Model], item: Mapping[str, Any]) -> Model:
    """An entity. Attributes that only keys and indexes need are left out, and those that a later
    release has added.

    Raises ValidationError.
    """
    fields = model.model_fields
    return model.model_validate({name: value for name, value in item.items() if name in fields})
