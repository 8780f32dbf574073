"""Problem codes by status: those of the use cases, and those that only HTTP knows."""

import ast
from collections import defaultdict
from collections.abc import Iterator
from http import HTTPStatus

from documentation.markdown import code, paragraph, section, table
from documentation.reference.api.specification import SPECIFICATIONS
from documentation.reference.sources import calls, modules
from trading.adapters.http.problems import ProblemCode, from_domain
from trading.domain.coded import Coded
from trading.domain.errors import DomainError, ErrorCode

Found = tuple[HTTPStatus, Coded]
ENUMS: dict[str, type[Coded]] = {enum.__name__: enum for enum in (ErrorCode, ProblemCode)}


def by_status() -> str:
    """A section for each status that a problem may have."""
    grouped: dict[HTTPStatus, list[Coded]] = defaultdict(list)
    for status, each in problem_codes():
        grouped[status].append(each)
    described = _descriptions()
    return "\n".join(
        section(
            2,
            f"{status.value} {status.phrase}",
            described.get(status, ""),
            table(("code", "meaning"), ((code(each), each.sentence) for each in grouped[status])),
            anchor=f"status-{status.value}",
        )
        for status in sorted({*grouped, *described})
    )


def problem_codes() -> list[Found]:
    """Each status with each code that it may carry."""
    return sorted({*_of_classes(), *_of_calls(), *_of_http()})


def _of_classes() -> Iterator[Found]:
    """Errors whose class has the code."""
    for error in _errors():
        if "code" in vars(error):
            yield _status(error), error.code


def _of_calls() -> Iterator[Found]:
    """Errors that get their code where they are raised."""
    for error in _errors():
        for _, call in calls(error.__name__):
            for each in _named(call.args[0] if call.args else None):
                yield _status(error), each


def _of_http() -> Iterator[Found]:
    for _, call in calls("HttpError"):
        match call.args:
            case [ast.Attribute(attr=status), named, *_]:
                for each in _named(named):
                    yield HTTPStatus[status], each


def _named(node: ast.expr | None) -> Iterator[Coded]:
    """The code that `ErrorCode.NAME` in the source means."""
    match node:
        case ast.Attribute(value=ast.Name(id=enum), attr=name) if enum in ENUMS:
            yield ENUMS[enum][name]


def _errors() -> Iterator[type[DomainError]]:
    for package in ("trading.domain", "trading.usecases", "trading.adapters"):
        modules(package)
    yield from (e for e in _subclasses(DomainError) if e.__module__.startswith("trading."))


def _subclasses(cls: type[DomainError]) -> Iterator[type[DomainError]]:
    for each in cls.__subclasses__():
        yield each
        yield from _subclasses(each)


def _status(error: type[DomainError]) -> HTTPStatus:
    """The HTTP status of an error of this class."""
    refused = DomainError("")
    refused.code, refused.kind = ErrorCode.NOT_FOUND, error.kind
    return from_domain(refused).status


def _descriptions() -> dict[HTTPStatus, str]:
    """The descriptions of a status in the OpenAPI documents."""
    return {
        HTTPStatus(int(status)): paragraph(specification.resolve(response)["description"])
        for specification in SPECIFICATIONS
        for operation in specification.operations
        for status, response in operation.body["responses"].items()
        if "$ref" in response
    }
