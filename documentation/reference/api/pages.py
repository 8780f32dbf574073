"""The pages of an API."""

import json
from collections.abc import Iterator, Mapping
from http import HTTPStatus
from typing import Any

from documentation.markdown import code, json_block, link, paragraph, section, table
from documentation.reference.api.examples import example
from documentation.reference.api.specification import SPECIFICATIONS, Operation, Specification
from documentation.reference.api.types import SCHEMAS, fields, rules_of, said, type_of, variants

PROBLEMS = "../errors.md"
ORDER = ("path", "query", "header")


def api_pages() -> dict[str, str]:
    """Path below docs/ → Markdown, of both APIs."""
    return {
        f"{specification.folder}/{name}": markdown
        for specification in SPECIFICATIONS
        for name, markdown in _pages(specification)
    }


def slug(tag: str) -> str:
    """A tag as part of an address."""
    return tag.lower().replace(" ", "-")


def _pages(specification: Specification) -> Iterator[tuple[str, str]]:
    yield ".nav.yml", f"title: {specification.document['info']['title']}\n"
    yield "index.md", _overview(specification)
    for tag in specification.tags:
        operations = [each for each in specification.operations if each.tag == tag]
        yield (
            f"{slug(tag)}.md",
            section(1, tag, *(_operation(specification, each) for each in operations)),
        )
    yield SCHEMAS, _schemas(specification)


def _overview(specification: Specification) -> str:
    information = specification.document["info"]
    rows = (
        (
            link(f"`{each.method} {each.path}`", f"{slug(each.tag)}.md#{each.anchor}"),
            each.body["summary"],
            code(each.body.get("x-permission", "")),
        )
        for each in specification.operations
    )
    document = link(specification.file, f"../{specification.file}")
    schemes = specification.document["components"]["securitySchemes"]
    return section(
        1,
        information["title"],
        paragraph(information["description"]),
        f"Rendered from the OpenAPI document {document}, which is checked against the code.",
        section(2, "Operations", table(("operation", "what it does", "permission"), rows)),
        section(
            2,
            "Authentication",
            table(
                ("scheme", "how"),
                ((code(name), paragraph(each["description"])) for name, each in schemes.items()),
            ),
        ),
    )


def _operation(specification: Specification, operation: Operation) -> str:
    body = operation.body
    return section(
        2,
        body["summary"],
        f"`{operation.method} {operation.path}`",
        paragraph(body.get("description", "")),
        _access(body),
        _parameters(specification, body),
        _request(specification, body),
        _responses(specification, body),
        anchor=operation.anchor,
    )


def _access(body: Mapping[str, Any]) -> str:
    if permission := body.get("x-permission"):
        return f"Needs the permission {code(permission)}."
    schemes = [name for requirement in body["security"] for name in requirement]
    return f"Authenticated by {code(schemes[0])}." if schemes else "Needs no authentication."


def _parameters(specification: Specification, body: Mapping[str, Any]) -> str:
    parameters = [specification.resolve(each) for each in body.get("parameters", ())]
    rows = (
        (
            code(each["name"]),
            each["in"],
            type_of(each["schema"]),
            "yes" if each.get("required") else "",
            said((*filter(None, [each.get("description")]), *rules_of(each["schema"]))),
        )
        for each in sorted(parameters, key=lambda each: ORDER.index(each["in"]))
    )
    return table(("parameter", "in", "type", "required", ""), rows)


def _request(specification: Specification, body: Mapping[str, Any]) -> str:
    if "requestBody" not in body:
        return ""
    schema = body["requestBody"]["content"]["application/json"]["schema"]
    resolved = specification.resolve(schema)
    shown = json.dumps(example(specification, schema), indent=2, ensure_ascii=False)
    return "\n\n".join(
        (
            f"**Request body**: {type_of(schema)}",
            fields(resolved),
            variants(resolved),
            json_block(shown),
        )
    )


def _responses(specification: Specification, body: Mapping[str, Any]) -> str:
    answers, problems = [], []
    for status, response in body["responses"].items():
        resolved = specification.resolve(response)
        content = resolved.get("content", {})
        if "application/problem+json" in content:
            problems.append(link(status, f"{PROBLEMS}#status-{status}"))
        else:
            answers.append((status, resolved, content))
    rows = (
        (
            f"{status} {HTTPStatus(int(status)).phrase}",
            _said(resolved),
            _contents(content),
            ", ".join(code(header) for header in resolved.get("headers", ())),
        )
        for status, resolved, content in answers
    )
    shown = "\n\n".join(
        json_block(json.dumps(example(specification, schema), indent=2, ensure_ascii=False))
        for _, _, content in answers
        if (schema := content.get("application/json", {}).get("schema"))
    )
    return "\n\n".join(
        (
            "**Answers**",
            table(("status", "", "body", "headers"), rows),
            shown,
            f"Problems: {', '.join(problems)}",
        )
    )


def _said(response: Mapping[str, Any]) -> str:
    text = " ".join(response["description"].split())
    return "" if text == "Successful Response" else text


def _contents(content: Mapping[str, Any]) -> str:
    return ", ".join(
        type_of(media["schema"]) if kind == "application/json" else code(kind)
        for kind, media in content.items()
    )


def _schemas(specification: Specification) -> str:
    return section(
        1,
        "Schemas",
        *(
            section(
                2,
                name,
                paragraph(schema.get("description", "")),
                f"One of {type_of(schema)}." if "enum" in schema else fields(schema),
                variants(schema),
                anchor=name.lower(),
            )
            for name, schema in sorted(specification.schemas.items())
        ),
    )
