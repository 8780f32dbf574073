"""Commands about profiles and tokens."""

from pathlib import Path
from typing import Annotated

import typer

from cli import profiles, view
from cli.api import new_key
from cli.failures import Exit, Failure
from cli.options import AsJson, Code, Key, ProfileName
from cli.session import Session, ask_secret
from workstation.profile_files import own_file
from workstation.profiles import Profiles
from workstation.screen import table

app = typer.Typer(no_args_is_help=True, help="Add, list, use and remove profiles.")


@app.command()
def add(
    ctx: typer.Context,
    name: Annotated[str, typer.Argument(metavar="NAME", show_default=False)],
    url: Annotated[str, typer.Option(help="Address of the public API.", show_default=False)],
    api_key: Annotated[str, typer.Option(show_default=False)],
    client_id: Annotated[
        str | None, typer.Option(help="Client that places orders.", show_default=False)
    ] = None,
    admin_url: Annotated[
        str | None,
        typer.Option(help="Address of the internal API, for `admin`.", show_default=False),
    ] = None,
    stream_url: Annotated[
        str | None,
        typer.Option(help="Address of the stream, for `stream`.", show_default=False),
    ] = None,
    private_key_file: Annotated[
        Path | None,
        typer.Option(
            exists=True,
            dir_okay=False,
            help="Private key of a program, in PEM. It signs the log-ins.",
            show_default=False,
        ),
    ] = None,
    keep_secret: Annotated[
        bool,
        typer.Option(
            "--keep-secret/--ask-secret",
            help="Keep the secret in the file, or ask for it whenever it is needed.",
        ),
    ] = True,
) -> None:
    """Add a profile, or replace your profile of this name.

    The command takes the secret from TRADING_API_SECRET, or asks for it. Example:
    trading profile add work --url https://api.example.com/prod --api-key KEY --client-id alice
    """
    session: Session = ctx.obj
    fields = {
        "url": url,
        "api_key": api_key,
        "client_id": client_id,
        "admin_url": admin_url,
        "stream_url": stream_url,
    }
    if private_key_file:
        fields["private_key"] = profiles.private_key(private_key_file)
    profile = profiles.profile(fields)
    if keep_secret:
        profile = profiles.profile(fields | {"api_secret": ask_secret(api_key)})
    path = own_file()
    own = profiles.read(path)
    kept = own.profiles | {name: profile}
    used = own.current or (None if profiles.current(None) else name)
    profiles.write(path, Profiles(current=used, profiles=kept))
    session.note(f"{name} is in {path}. In use: {profiles.current(None)}.")


@app.command("list")
def list_profiles(ctx: typer.Context, as_json: AsJson = False) -> None:
    """List profiles without their secrets. `*` marks the one in use."""
    session: Session = ctx.obj.begin(as_json)
    used = session.profile_name
    known = {
        name: (profile.model_dump(exclude={"api_secret", "private_key"}), path)
        for name, (profile, path) in profiles.known().items()
    }
    answer = {"current": used, "profiles": {name: fields for name, (fields, _) in known.items()}}
    rows = [
        (
            "*" if name == used else "",
            name,
            fields["client_id"],
            fields["api_key"],
            fields["url"],
            path,
        )
        for name, (fields, path) in known.items()
    ]
    session.show(answer, table("Profiles", ("", "name", "client", "api key", "url", "from"), rows))


@app.command()
def use(ctx: typer.Context, name: ProfileName) -> None:
    """Use a profile for all following commands."""
    session: Session = ctx.obj
    if name not in profiles.known():
        raise Failure.here(Exit.CONFIGURATION, "NO_SUCH_PROFILE", f"There is no profile {name}.")
    path = own_file()
    profiles.write(path, profiles.read(path).with_current(name))
    session.note(f"{name} is used from now on.")


@app.command()
def remove(ctx: typer.Context, name: ProfileName) -> None:
    """Remove one of your profiles and its token."""
    session: Session = ctx.obj
    path = own_file()
    own = profiles.read(path)
    if name not in own.profiles:
        raise Failure.here(
            Exit.CONFIGURATION, "NO_SUCH_PROFILE", f"There is no profile {name} in {path}."
        )
    session.tokens.forget(own.profiles[name])
    kept = {other: profile for other, profile in own.profiles.items() if other != name}
    current = None if own.current == name else own.current
    profiles.write(path, Profiles(current=current, profiles=kept))
    session.note(f"{name} is removed.")


def login(ctx: typer.Context, code: Code = None, key: Key = None, as_json: AsJson = False) -> None:
    """Get a new access token and show what the API key may do.

    Other commands log in by themselves, and ask for a code if they need one. --json shows the
    token.
    """
    session: Session = ctx.obj.begin(as_json)
    answer = session.api.log_in(key or new_key(), code)
    session.show(
        answer,
        view.record(
            f"Logged in with {session.profile.api_key}", answer, ("jwt_token", "token_type")
        ),
    )
    session.note(" ".join(answer["permissions"]))


def logout(ctx: typer.Context) -> None:
    """Delete the local copy of the access token. The token stays valid for 15 minutes at most."""
    session: Session = ctx.obj
    session.tokens.forget(session.profile)
