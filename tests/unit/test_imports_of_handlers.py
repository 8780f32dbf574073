"""What a cold start does not pay for."""

import subprocess
import sys
from pathlib import Path

from infra.catalog.functions import FUNCTIONS
from tests.benchmarks.imports import environment

ROOT = Path(__file__).resolve().parents[2]
SIGNING = [name for name, spec in FUNCTIONS.items() if spec.signatures]
LOG_INS = {"auth", "internal_auth"}
"""PyJWT, which makes tokens, imports cryptography where it finds it."""
OTHERS = [name for name in FUNCTIONS if name not in SIGNING]
PACKAGES = ("cryptography", "cffi", "http_message_signatures", "http_sf")
"""The packages of the layer `signatures`."""


def run(*lines: str) -> None:
    script = "\n".join(("import sys", *lines))
    ran = subprocess.run(  # noqa: S603
        [sys.executable, "-c", script], env=environment(), cwd=ROOT, capture_output=True, text=True
    )
    assert ran.returncode == 0, ran.stderr


def test_a_function_imports_cryptography_only_when_a_signature_is_checked() -> None:
    others = set(SIGNING) - LOG_INS
    assert {"admin", "internal", "orders"} <= others
    run(
        *(f"import functions.{name}.handler" for name in others),
        "assert not {'cryptography', 'http_message_signatures'} & sys.modules.keys()",
        "import trading.adapters.identity.request_signatures",
        "assert 'cryptography' in sys.modules",
    )


def test_a_log_in_imports_what_checks_signatures_only_when_there_is_one() -> None:
    assert set(SIGNING) >= LOG_INS
    run(
        *(f"sys.modules['{name}'] = None" for name in PACKAGES),
        *(f"import functions.{name}.handler" for name in LOG_INS),
        "assert 'trading.adapters.identity.request_signatures' not in sys.modules",
    )


def test_a_log_in_without_a_code_does_not_pay_for_the_library_of_codes() -> None:
    run("import functions.auth.handler", "assert 'pyotp' not in sys.modules")


def test_all_other_functions_work_without_the_layer_of_signatures() -> None:
    run(
        *(f"sys.modules['{name}'] = None" for name in PACKAGES),
        *(f"import functions.{name}.handler" for name in OTHERS),
    )
