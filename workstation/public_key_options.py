"""The options of the commands that register a public key."""

from pathlib import Path
from typing import Annotated

import typer

PublicKeyFile = Annotated[
    Path | None,
    typer.Option(
        "--public-key-file",
        exists=True,
        dir_okay=False,
        help="Public key of Ed25519, in PEM.",
        show_default=False,
    ),
]
Remove = Annotated[bool, typer.Option("--remove", help="Remove the registered key.")]


def chosen_pem(file: Path | None, remove: bool) -> str | None:
    """The public key in PEM, or None to remove the registered one. Raises typer.BadParameter."""
    if (file is None) != remove:
        raise typer.BadParameter("give either --public-key-file or --remove")
    return read_pem(file) if file else None


def read_pem(file: Path) -> str:
    """The public key in PEM. Raises typer.BadParameter."""
    # Other commands start faster without this import.
    from trading.adapters.identity.signature_keys import read_public_key

    try:
        pem = file.read_text()
        read_public_key(pem)
    except (OSError, ValueError) as error:
        raise typer.BadParameter(f"{file} is not a public key of Ed25519 in PEM") from error
    return pem
