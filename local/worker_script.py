"""Edits of the script that MiniStack's Python workers run.

MiniStack keeps the script as text and hands it to every worker that it starts. Each patch of
`local` that needs code inside of the workers replaces a passage of that text.
"""

from ministack.core import lambda_runtime  # type: ignore[import-untyped]


def prepend(code: str) -> None:
    """Put definitions in front of the script."""
    lambda_runtime._PYTHON_WORKER_SCRIPT = code + lambda_runtime._PYTHON_WORKER_SCRIPT


def replace(passage: str, replacement: str) -> None:
    """Replace a passage. Raises ValueError unless the script has it exactly once."""
    script = lambda_runtime._PYTHON_WORKER_SCRIPT
    if script.count(passage) != 1:
        raise ValueError(f"MiniStack's worker script does not have this once:\n{passage}")
    lambda_runtime._PYTHON_WORKER_SCRIPT = script.replace(passage, replacement)
