"""Requests are validated before they leave, except in production."""

import runpy

import pytest

from trading.adapters.runtime import aws


@pytest.mark.parametrize(("stage", "validates"), [("prod", False), ("dev", True), (None, True)])
def test_only_production_sends_requests_without_validating_them(
    monkeypatch: pytest.MonkeyPatch, stage: str | None, validates: bool
) -> None:
    if stage is None:
        monkeypatch.delenv("STAGE", raising=False)
    else:
        monkeypatch.setenv("STAGE", stage)
    found = runpy.run_path(str(aws.__file__))
    for name in ("CLIENT_CONFIG", "DISPENSABLE_CONFIG"):
        assert found[name].parameter_validation is validates
