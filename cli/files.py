"""A file that cannot be used ends a command as any other failure does."""

from collections.abc import Iterator
from contextlib import contextmanager

from cli.failures import Exit, Failure
from workstation.private_files import FileError


@contextmanager
def file_errors_as_failures() -> Iterator[None]:
    """Raise Failure in place of FileError."""
    try:
        yield
    except FileError as error:
        raise Failure.here(Exit.CONFIGURATION, error.code, str(error)) from error
