"""An AsyncAPI document is compared with the schema that AsyncAPI publishes."""

import json
from pathlib import Path

import pytest

from documentation import asyncapi_checks, checks
from documentation.vendor import Vendored


@pytest.fixture(autouse=True)
def _published(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A small schema in place of the published one, which `make docs` fetches."""
    schema = tmp_path / "schema.json"
    schema.write_text(json.dumps({"properties": {"asyncapi": {"const": "3.0.0"}}}))

    def vendored(_: Vendored) -> Path:
        return schema

    monkeypatch.setattr(asyncapi_checks, "vendored", vendored)


@pytest.mark.parametrize(
    ("version", "expected"),
    [("3.0.0", []), ("2.6.0", ["reference/asyncapi.json: asyncapi: '3.0.0' was expected"])],
)
def test_a_document_that_is_not_as_published_is_found(
    version: str, expected: list[str], tmp_path: Path
) -> None:
    site = tmp_path / "site"
    (site / "reference").mkdir(parents=True)
    (site / "reference" / "asyncapi.json").write_text(json.dumps({"asyncapi": version}))
    assert checks.findings(site) == expected
