"""The licenses of the locked packages, and the NOTICE file.

Lambda gets copies of the packages in its layer, so their licenses must permit that without a
condition on our code. The tools stay on the developer's machine.
"""

import json
import subprocess
import sys
from pathlib import Path

from packaging.utils import canonicalize_name

from supply_chain.advisories import SOURCE
from supply_chain.locks import LAMBDA_LOCK, ROOT, packages

NOTICE = ROOT / "NOTICE"
PERMISSIVE = (
    "Apache-2.0",
    "Apache-2.0 OR BSD-3-Clause",
    "Apache Software License",
    "BSD License",
    "BSD-2-Clause",
    "BSD-3-Clause",
    "MIT",
    "MIT-0",
    "MIT License",
    "PSF-2.0",
)
"""The licenses allowed in Lambda: SPDX identifiers, and the names that classifiers of PyPI use."""
RESTRICTIVE = ("GPL", "GNU", "SSPL", "BUSL", "Commons Clause", "Proprietary", "UNKNOWN")
"""Parts of the names of licenses that no tool may have either."""


def licenses() -> dict[str, tuple[str, str]]:
    """Version and license of each installed package, by its normalized name."""
    listed = json.loads(_pip_licenses("--format=json").stdout)
    return {canonicalize_name(each["Name"]): (each["Version"], each["License"]) for each in listed}


def violations() -> list[str]:
    """What pip-licenses says against the licenses of the layer and of the tools."""
    names = sorted({package.name for package in packages(LAMBDA_LOCK)})
    checks = (
        _pip_licenses("--packages", *names, "--allow-only", ";".join(PERMISSIVE)),
        _pip_licenses("--partial-match", "--fail-on", ";".join(RESTRICTIVE)),
    )
    return [check.stderr.strip() for check in checks if check.returncode]


def notice() -> str:
    """The text of the NOTICE file."""
    installed = licenses()
    rows = "".join(
        f"  {package.name} {package.version}: {installed[package.name][1]}\n"
        for package in packages(LAMBDA_LOCK)
    )
    return (
        "lambda-trading\n\n"
        "The deployed layer contains these packages. Each has its license in its .dist-info\n"
        f"directory.\n\n{rows}\n"
        "requirements/advisories.json is an extract of the PyPA advisory database\n"
        f"({SOURCE}), licensed under CC-BY-4.0. The texts were\n"
        "removed.\n\n"
        "`python -m supply_chain notice` writes this file.\n"
    )


def _pip_licenses(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = Path(sys.executable).with_name("pip-licenses")
    return subprocess.run(  # noqa: S603
        [str(command), f"--python={sys.executable}", *arguments],
        capture_output=True,
        text=True,
        check=False,
    )
