"""What venues send is read tolerantly. What a reader does not know is set aside, not refused.

Unknown fields are set aside. So are unreadable values of fields for which a model has a stand-in,
and unreadable elements of its lists. Everything else must be readable: it says what the document is
about.
"""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Annotated, Any, ClassVar, Self

from pydantic import (
    AfterValidator,
    BeforeValidator,
    ConfigDict,
    Field,
    ModelWrapValidatorHandler,
    ValidationError,
    model_validator,
)

from trading.domain.values import Frozen, Timestamp

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
"""Stands for a time that cannot be read."""
LAST_YEAR = 2200
LONGEST_REASON = 256
LONGEST_ASIDE, MOST_ASIDE = 256, 20
ASIDE = "not_understood"


def _in_range(moment: datetime) -> datetime:
    """Years at both ends of what Python counts do not fit into another time zone."""
    if not EPOCH.year <= moment.year < LAST_YEAR:
        raise ValueError("the year is out of range")
    return moment


def _cut(text: object) -> object:
    return text[:LONGEST_REASON] if isinstance(text, str) else text


VenueTime = Annotated[Timestamp, AfterValidator(_in_range)]
Reason = Annotated[str, BeforeValidator(_cut), Field(max_length=LONGEST_REASON)]
"""A text for people. It is cut if it is too long."""


def _schema(schema: dict[str, Any], model: type["Received"]) -> None:
    """Describe what is accepted: unknown fields, and any value of a field with a stand-in."""
    properties = schema["properties"]
    properties.pop(ASIDE)
    schema["additionalProperties"] = True
    for name in (*model.stand_ins, *model.lists):
        properties[name] = {"anyOf": [properties[name], {}]}
    if "required" in schema:
        schema["required"] = [name for name in schema["required"] if name not in model.stand_ins]


class Received(Frozen):
    """Base of what venues send.

    stand_ins: by field, the value that stands for one that is missing or cannot be read. lists: the
    fields whose unreadable elements are left out.
    """

    model_config = ConfigDict(json_schema_extra=_schema)
    stand_ins: ClassVar[Mapping[str, Any]] = {}
    lists: ClassVar[tuple[str, ...]] = ()

    not_understood: dict[str, str] | None = Field(
        default=None,
        exclude_if=lambda aside: aside is None,
        description="what the reader set aside, by field; the sender does not send it",
    )

    @model_validator(mode="wrap")
    @classmethod
    def _tolerant(cls, data: Any, handler: ModelWrapValidatorHandler[Self]) -> Self:
        if not isinstance(data, Mapping):
            return handler(data)
        known = {name: data[name] for name in cls.model_fields if name in data and name != ASIDE}
        aside = {str(name): value for name, value in data.items() if name not in known}
        match aside.pop(ASIDE, None):
            case None:
                pass
            case Mapping() as before:
                aside = {str(name): value for name, value in before.items()} | aside
            case other:  # a venue has a field of that name
                aside[ASIDE] = other
        try:
            if not aside:
                return handler(known)
            return handler(_with(known, aside))
        except ValidationError as error:
            unreadable = cls._unreadable(error)
        for name, position in sorted(unreadable, key=lambda at: (at[0], at[1] or 0), reverse=True):
            if position is None:
                aside[name] = known.get(name, "missing")
                known[name] = cls.stand_ins[name]
            else:
                known[name] = [*known[name]]
                aside[f"{name}[{position}]"] = known[name].pop(position)
        cls._adjust(known, {name for name, position in unreadable if position is None})
        return handler(_with(known, aside))

    @classmethod
    def _unreadable(cls, error: ValidationError) -> set[tuple[str, int | None]]:
        """The fields, or elements of lists, that can be set aside. Raises the error for others."""
        found: set[tuple[str, int | None]] = set()
        for each in error.errors(include_url=False, include_context=False, include_input=False):
            match each["loc"]:
                case (str() as name, int() as position, *_) if name in cls.lists:
                    found.add((name, position))
                case (str() as name, *_) if name in cls.stand_ins:
                    found.add((name, None))
                case _:
                    raise error
        return found

    @classmethod
    def _adjust(cls, known: dict[str, Any], unreadable: set[str]) -> None:
        """Change other fields, because these cannot be read."""

    def set_aside(self) -> Iterator[tuple[str, str]]:
        """What was set aside here and in the elements of its lists."""
        yield from (self.not_understood or {}).items()
        for name in self.lists:
            for number, element in enumerate(getattr(self, name)):
                for field, text in element.set_aside():
                    yield f"{name}[{number}].{field}", text


def _with(known: dict[str, Any], aside: Mapping[str, Any]) -> dict[str, Any]:
    kept = {name[:LONGEST_ASIDE]: _text(value) for name, value in aside.items()}
    return known | {ASIDE: dict([*kept.items()][:MOST_ASIDE])}


def _text(value: Any) -> str:
    try:
        return str(value)[:LONGEST_ASIDE]
    except RecursionError:
        return "nested too deeply"
