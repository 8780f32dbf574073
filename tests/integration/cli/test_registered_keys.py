"""Operators show a second factor at the command line: people by codes, programs by a key."""

import json
from pathlib import Path
from typing import Any

import pytest

from cli.profiles import own_file
from local.demo import SERVICE_ID
from tests.integration.cli.conftest import Terminal
from tests.integration.cli.test_second_factor import enrolled
from trading.adapters.identity.signature_keys import new_key_pair, read_private_key

ADMIN = ("-p", "local-admin")
PERSON = ("-p", "anna")
WHY = ("--reason", "a program of the client")


@pytest.fixture
def person(terminal: Terminal) -> Terminal:
    """Also the profile `anna`: the operator with all roles, as a person without any key pair."""
    terminal.forget_public_key(SERVICE_ID)
    profiles = json.loads(own_file().read_text())
    anna = profiles["profiles"]["local-admin"]
    del anna["private_key"]
    profiles["profiles"]["anna"] = anna
    own_file().write_text(json.dumps(profiles))
    return terminal


def pem_files(directory: Path) -> tuple[Path, Path]:
    """A new private key and its public key, as `openssl genpkey` writes them."""
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

    pem, _ = new_key_pair()
    public = read_private_key(pem).public_key()
    private_file, public_file = directory / "program.pem", directory / "program.pub.pem"
    private_file.touch(mode=0o600)
    private_file.write_text(pem)
    public_file.write_bytes(public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo))
    return private_file, public_file


def test_an_operator_enrols_and_logs_in_with_codes(person: Terminal) -> None:
    look = (*PERSON, "admin", "show", "alice")
    refused = person.refused(*look, status=5)
    assert refused["code"] == "NO_CODE"
    assert "To enrol: POST /api/v1/auth/second-factor" in refused["detail"]
    profile = person.ask(*PERSON, "second-factor", "enrol")
    assert person.refused(*look, status=5)["code"] == "NO_CODE", "nothing is confirmed yet"
    phone, _ = enrolled(person, profile=PERSON)
    assert profile["recovery_codes"]
    assert person.ask(*look, env={"TRADING_CODE": phone.code()})["client_id"] == "alice"
    assert person.ask(*look)["client_id"] == "alice", "the token is kept"
    person.run(*PERSON, "logout")
    assert person.refused(*look, status=5)["code"] == "NO_CODE"
    assert person.ask(*PERSON, "login", "--code", phone.code())["methods"] == ["pwd", "otp", "mfa"]


def test_a_program_of_an_operator_needs_no_codes(terminal: Terminal) -> None:
    assert terminal.ask(*ADMIN, "login")["methods"] == ["pwd", "swk", "mfa"]
    terminal.gateway.lose = 1
    assert terminal.ask(*ADMIN, "admin", "show", "alice")["client_id"] == "alice"


def test_a_program_signs_its_enrolment(terminal: Terminal) -> None:
    phone, _ = enrolled(terminal, profile=ADMIN)
    assert terminal.ask(*ADMIN, "login")["methods"] == ["pwd", "swk", "mfa"]
    refused = terminal.refused(*ADMIN, "login", "--code", phone.code(), status=5)
    assert refused["code"] == "SECOND_FACTOR_REQUIRED", "a program logs in by its signature"


def test_a_client_whose_key_is_registered_trades_without_codes(
    terminal: Terminal, tmp_path: Path
) -> None:
    private_file, public_file = pem_files(tmp_path)
    phone, _ = enrolled(terminal)
    terminal.ask("second-factor", "policy", "all", "--code", phone.code())
    program = profile_with(private_file)
    assert terminal.refused(*program, "login", status=5)["code"] == "INVALID_SIGNATURE"
    set_key = (*ADMIN, "admin", "set-public-key", "alice", "--api-key", "key-alice", *WHY)
    registered = terminal.ask(*set_key, "--public-key-file", str(public_file))
    assert (registered["api_key"], registered["status"]) == ("key-alice", "ACTIVE")
    placed = terminal.ask(*program, "place", "buy", "1", "KO")
    assert placed["status"] == "VALIDATED"
    assert terminal.ask(*set_key, "--remove")["public_key"] is None
    assert terminal.refused(*program, "login", status=5)["code"] == "INVALID_SIGNATURE"


def profile_with(private_file: Path) -> tuple[str, ...]:
    """The profile `program`: that of alice with a private key."""
    profiles: dict[str, Any] = json.loads(own_file().read_text())
    alice = profiles["profiles"]["local"]
    profiles["profiles"]["program"] = alice | {"private_key": private_file.read_text()}
    own_file().write_text(json.dumps(profiles))
    return ("-p", "program")


def test_a_private_key_is_kept_and_not_shown(terminal: Terminal, tmp_path: Path) -> None:
    private_file, public_file = pem_files(tmp_path)
    add = ("profile", "add", "work", "--url", "https://api.example.com/dev", "--api-key", "key-1")
    secret = {"TRADING_API_SECRET": "a secret"}
    code, _, err = terminal.run(*add, "--private-key-file", str(private_file), env=secret)
    assert code == 0, err
    assert own_file().stat().st_mode & 0o777 == 0o600
    kept = json.loads(own_file().read_text())["profiles"]["work"]
    assert kept["private_key"] == private_file.read_text()
    listed = terminal.ask("profile", "list")["profiles"]["work"]
    assert listed["api_key"] == "key-1"
    assert not {"private_key", "api_secret"} & listed.keys()
    code, _, err = terminal.run(*add, "--private-key-file", str(public_file), env=secret)
    assert (code, "chmod 600" in err) == (11, True)
    public_file.chmod(0o600)
    code, _, err = terminal.run(*add, "--private-key-file", str(public_file), env=secret)
    assert (code, "not a private key of Ed25519" in err) == (11, True)


@pytest.mark.parametrize("options", [(), ("--remove", "--public-key-file", "pyproject.toml")])
def test_a_key_is_either_registered_or_removed(
    terminal: Terminal, options: tuple[str, ...]
) -> None:
    set_key = (*ADMIN, "admin", "set-public-key", "alice", "--api-key", "key-alice", *WHY)
    code, _, err = terminal.run(*set_key, *options)
    assert (code, "either" in err) == (2, True)
    code, _, err = terminal.run(*set_key, "--public-key-file", "pyproject.toml")
    assert (code, "not a public key" in err) == (2, True)


@pytest.mark.parametrize("command", [("show",), ("policy", "all", "--code", "123456")])
def test_what_is_for_clients_is_refused_to_operators(
    terminal: Terminal, command: tuple[str, ...]
) -> None:
    refused = terminal.refused(*ADMIN, "second-factor", *command, status=11)
    assert refused["code"] == "FOR_CLIENTS"
