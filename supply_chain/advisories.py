"""Known vulnerabilities of the locked packages.

`requirements/advisories.json` is an extract of the PyPA advisory database, with the entries about
our packages alone. The check reads only this file, so it gives the same answer on every machine.
`make audit-online` asks for what was published since.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from packaging.utils import NormalizedName, canonicalize_name
from packaging.version import InvalidVersion, Version

from supply_chain.locks import ROOT, Package

EXTRACT = ROOT / "requirements" / "advisories.json"
SOURCE = "https://github.com/pypa/advisory-database"


@dataclass(frozen=True)
class Range:
    """Affected versions: from `introduced`, up to and without `fixed`, or up to `last_affected`."""

    introduced: Version
    fixed: Version | None = None
    last_affected: Version | None = None

    def __contains__(self, version: Version) -> bool:
        if version < self.introduced:
            return False
        if self.fixed is not None:
            return version < self.fixed
        return self.last_affected is None or version <= self.last_affected


@dataclass(frozen=True)
class Advisory:
    """An entry of the database about one package. Shape: OSV schema 1.6, osv.dev."""

    id: str
    aliases: tuple[str, ...]
    package: NormalizedName
    ranges: tuple[Range, ...]
    versions: frozenset[Version]

    def affects(self, package: Package) -> bool:
        """Whether the package has the vulnerability."""
        return package.name == self.package and (
            package.version in self.versions
            or any(package.version in versions for versions in self.ranges)
        )


@dataclass(frozen=True)
class Exemption:
    """A vulnerability that we accept, and why it does not reach us."""

    advisory: str
    reason: str


EXEMPTIONS: tuple[Exemption, ...] = ()


def read(entry: dict[str, Any]) -> Iterator[Advisory]:
    """The advisories of one entry. A withdrawn entry has none."""
    if entry.get("withdrawn"):
        return
    for affected in entry.get("affected", ()):
        if affected["package"]["ecosystem"] != "PyPI":
            continue
        ranges = tuple(
            found
            for each in affected.get("ranges", ())
            if each["type"] == "ECOSYSTEM"
            for found in _ranges(each["events"])
        )
        yield Advisory(
            entry["id"],
            tuple(entry.get("aliases", ())),
            canonicalize_name(affected["package"]["name"]),
            ranges,
            frozenset(_versions(affected.get("versions", ()))),
        )


def known(extract: Path = EXTRACT) -> list[Advisory]:
    """The advisories of the extract."""
    entries = json.loads(extract.read_text())["entries"]
    return [advisory for entry in entries for advisory in read(entry)]


def findings(
    packages: Iterable[Package],
    advisories: Iterable[Advisory],
    exemptions: Iterable[Exemption] = EXEMPTIONS,
) -> list[tuple[Package, Advisory]]:
    """What affects the packages and is not exempt."""
    exempt = {each.advisory for each in exemptions}
    by_name: dict[NormalizedName, list[Advisory]] = {}
    for advisory in advisories:
        by_name.setdefault(advisory.package, []).append(advisory)
    return [
        (package, advisory)
        for package in packages
        for advisory in by_name.get(package.name, ())
        if advisory.affects(package) and not exempt & {advisory.id, *advisory.aliases}
    ]


def extract(database: Path, names: Iterable[NormalizedName]) -> list[dict[str, Any]]:
    """The entries about packages of these names, without their texts.

    database: the work tree of a clone of the advisory database.
    """
    entries = []
    for name in sorted(set(names)):
        for path in sorted((database / "vulns" / name).glob("*.yaml")):
            entry = yaml.safe_load(path.read_text())
            if not entry.get("withdrawn"):
                entries.append(_slim(entry))
    return entries


def _slim(entry: dict[str, Any]) -> dict[str, Any]:
    """Drop the texts, and the list of versions where ranges say the same."""
    affected = []
    for each in entry["affected"]:
        ranges = [
            {"type": "ECOSYSTEM", "events": events["events"]}
            for events in each.get("ranges", ())
            if events["type"] == "ECOSYSTEM"
        ]
        kept: dict[str, Any] = {"package": {"ecosystem": "PyPI", "name": each["package"]["name"]}}
        affected.append(kept | ({"ranges": ranges} if ranges else {"versions": each["versions"]}))
    return {"id": entry["id"], "aliases": entry.get("aliases", []), "affected": affected}


def _ranges(events: Iterable[dict[str, str]]) -> Iterator[Range]:
    introduced: Version | None = None
    for event in events:
        if "introduced" in event:
            if introduced is not None:
                yield Range(introduced)
            introduced = Version(event["introduced"])
        elif introduced is not None and "fixed" in event:
            yield Range(introduced, fixed=Version(event["fixed"]))
            introduced = None
        elif introduced is not None and "last_affected" in event:
            yield Range(introduced, last_affected=Version(event["last_affected"]))
            introduced = None
    if introduced is not None:
        yield Range(introduced)


def _versions(texts: Iterable[str]) -> Iterator[Version]:
    """The versions that follow PEP 440. A lock pins no other."""
    for text in texts:
        try:
            yield Version(text)
        except InvalidVersion:
            continue
