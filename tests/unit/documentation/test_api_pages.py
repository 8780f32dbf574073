"""The API's pages leave nothing out, and every example is valid."""

import json
import re
from typing import Any

import jsonschema
import pytest

from documentation.reference.api.examples import example
from documentation.reference.api.pages import api_pages, slug
from documentation.reference.api.specification import SPECIFICATIONS, Specification

PAGES = api_pages()
both = pytest.mark.parametrize("specification", SPECIFICATIONS, ids=lambda each: each.file)


@both
def test_every_operation_is_on_the_page_of_its_tag(specification: Specification) -> None:
    for operation in specification.operations:
        page = PAGES[f"{specification.folder}/{slug(operation.tag)}.md"]
        assert f"`{operation.method} {operation.path}`" in page
        assert f"{{ #{operation.anchor} }}" in page
        for parameter in operation.body.get("parameters", ()):
            assert f"| `{specification.resolve(parameter)['name']}` |" in page


@both
def test_every_schema_has_a_section_with_its_fields(specification: Specification) -> None:
    sections = re.split(r"^## ", PAGES[f"{specification.folder}/schemas.md"], flags=re.MULTILINE)
    by_name = {section.split(" ", 1)[0]: section for section in sections}
    for name, schema in specification.schemas.items():
        for field in schema.get("properties", ()):
            assert f"| `{field}` |" in by_name[name]
        for value in schema.get("enum", ()):
            assert f"`{value}`" in by_name[name]


@both
def test_every_example_is_valid(specification: Specification) -> None:
    for name, schema in specification.schemas.items():
        whole: dict[str, Any] = {**schema, "components": specification.document["components"]}
        errors = jsonschema.Draft202012Validator(whole).iter_errors(example(specification, schema))
        assert [error.message for error in errors] == [], name


def test_examples_are_shown() -> None:
    blocks = re.findall(r"```json\n(.*?)\n```", PAGES["reference/api/orders.md"], flags=re.DOTALL)
    assert any("stock_symbol" in json.loads(block) for block in blocks)
