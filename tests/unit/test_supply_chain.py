"""The audit of the packages finds what it should."""

import json
from datetime import date
from pathlib import Path

import pytest
from packaging.utils import canonicalize_name
from packaging.version import Version

from supply_chain import advisories, bill_of_materials, licenses, locks
from supply_chain.advisories import Advisory, Exemption, Range
from supply_chain.locks import Package


def urllib3(version: str) -> Package:
    return Package(canonicalize_name("urllib3"), Version(version))


@pytest.mark.parametrize(
    ("version", "affected"),
    [("1.26.17", True), ("1.26.18", False), ("2.0.6", True), ("2.0.7", False), ("2.8.0", False)],
)
def test_the_extract_knows_which_versions_are_affected(version: str, affected: bool) -> None:
    found = advisories.findings([urllib3(version)], advisories.known())
    assert ("PYSEC-2023-212" in {advisory.id for _, advisory in found}) is affected


def test_an_exemption_covers_its_advisory_alone() -> None:
    package = urllib3("1.26.5")
    known = advisories.known()
    found = {advisory.id for _, advisory in advisories.findings([package], known)}
    exemption = Exemption("CVE-2023-45803", "we follow no redirects")
    left = {advisory.id for _, advisory in advisories.findings([package], known, [exemption])}
    assert found - left == {"PYSEC-2023-212"}
    assert left


EVENTS = [{"introduced": "0"}, {"fixed": "1.2"}, {"introduced": "2.0"}, {"last_affected": "2.3"}]
ENTRY = {
    "id": "X-1",
    "affected": [
        {
            "package": {"ecosystem": "PyPI", "name": "Some.Package"},
            "ranges": [{"type": "ECOSYSTEM", "events": EVENTS}],
            "versions": ["3.0b1", "no version"],
        },
        {"package": {"ecosystem": "npm", "name": "some-package"}, "versions": ["4.0"]},
    ],
}


@pytest.mark.parametrize(
    ("version", "affected"),
    [("1.1", True), ("1.2", False), ("2.3", True), ("2.3.1", False), ("3.0b1", True), ("4", False)],
)
def test_a_version_is_affected_within_its_ranges(version: str, affected: bool) -> None:
    package = Package(canonicalize_name("some-package"), Version(version))
    assert any(advisory.affects(package) for advisory in advisories.read(ENTRY)) is affected


def test_a_range_that_is_never_fixed_has_no_end() -> None:
    assert Version("99") in Range(Version("1"))


def test_a_withdrawn_entry_counts_for_nothing() -> None:
    assert list(advisories.read(ENTRY | {"withdrawn": str(date(2026, 1, 1))})) == []


def test_another_package_is_not_affected() -> None:
    (advisory,) = advisories.read(ENTRY)
    assert not Advisory.affects(advisory, urllib3("1.1"))


@pytest.mark.parametrize("lock", [locks.LAMBDA_LOCK, locks.TOOLS_LOCK])
def test_every_pin_of_a_lock_is_read(lock: Path) -> None:
    pins = [line for line in lock.read_text().splitlines() if "==" in line and line[0] != " "]
    assert len(locks.packages(lock)) == len(pins)


def test_the_checks_of_licenses_can_fail(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(licenses, "PERMISSIVE", ("MIT",))
    monkeypatch.setattr(licenses, "RESTRICTIVE", ("Apache",))
    layer, tools = licenses.violations()
    assert "not in allow-only" in layer
    assert "Apache" in tools


def test_the_bill_of_materials_lists_every_locked_package(tmp_path: Path) -> None:
    written = bill_of_materials.write(tmp_path)
    for path, lock in zip(written, (locks.LAMBDA_LOCK, locks.TOOLS_LOCK), strict=True):
        components = json.loads(path.read_text())["components"]
        listed = {(canonicalize_name(each["name"]), each["version"]) for each in components}
        assert listed == {(each.name, str(each.version)) for each in locks.packages(lock)}
        assert all(
            reference["hashes"]
            for each in components
            for reference in each["externalReferences"]
            if reference["type"] == "distribution"
        )
