"""When the command line logs in, and where it keeps tokens."""

import json
import stat
from pathlib import Path

import pytest

from cli import profiles
from cli.profiles import own_file
from cli.tokens import cache_directory
from tests.integration.cli.conftest import Terminal
from workstation.profiles import Profiles


def log_ins(terminal: Terminal) -> int:
    return sum(request.path.endswith("/auth/token") for request in terminal.gateway.seen)


def kept() -> Path:
    (path,) = cache_directory().iterdir()
    return path


def test_only_the_owner_can_read_a_kept_token(terminal: Terminal) -> None:
    terminal.ask("balance")
    terminal.ask("positions")
    assert log_ins(terminal) == 1
    assert stat.S_IMODE(kept().stat().st_mode) == 0o600
    assert "secret of alice" not in kept().read_text()


def test_login_shows_the_keys_permissions_and_logout_deletes_the_token(terminal: Terminal) -> None:
    code, out, err = terminal.run("login")
    token = json.loads(kept().read_text())["jwt_token"]
    assert code == 0
    assert token not in out + err
    assert "orders:write" in err
    assert terminal.ask("login")["permissions"] == ["accounts:read", "orders:read", "orders:write"]
    assert terminal.run("logout") == (0, "", "")
    assert not list(cache_directory().iterdir())
    terminal.ask("balance")
    assert log_ins(terminal) == 3


def test_a_token_is_renewed_shortly_before_it_expires(terminal: Terminal) -> None:
    terminal.ask("balance")
    terminal.gateway.system.venues.pass_time(14 * 60 + 45)
    terminal.ask("balance")
    assert log_ins(terminal) == 2
    assert all(request.headers.get("authorization") for request in terminal.gateway.seen[1::2])


def test_a_refused_token_is_renewed_once(terminal: Terminal) -> None:
    terminal.ask("balance")
    token = json.loads(kept().read_text())
    kept().write_text(json.dumps(token | {"jwt_token": "of.another.key"}))
    terminal.ask("place", "buy", "1", "KO", "--key", "k-1")
    assert log_ins(terminal) == 2
    sent = [request for request in terminal.gateway.seen if request.path.endswith("/orders")]
    assert [request.headers["idempotency-key"] for request in sent] == ["k-1", "k-1"]


def test_an_unreadable_kept_token_is_ignored(terminal: Terminal) -> None:
    terminal.ask("balance")
    for number, content in enumerate(("", "{", '{"jwt_token": "x"}')):
        kept().write_text(content)
        terminal.ask("balance")
        assert log_ins(terminal) == number + 2
    kept().chmod(0o644)
    terminal.ask("balance")
    assert log_ins(terminal) == 5
    assert stat.S_IMODE(kept().stat().st_mode) == 0o600


def test_a_wrong_secret_is_reported_and_no_token_is_kept(
    terminal: Terminal, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TRADING_API_SECRET", "wrong")
    assert terminal.refused("balance", status=5)["code"] == "INVALID_CREDENTIALS"
    assert not cache_directory().exists()


def test_without_a_terminal_a_missing_secret_is_an_error(terminal: Terminal) -> None:
    own = Profiles.read(own_file())
    without = own.profiles["local"].model_copy(update={"api_secret": None})
    Profiles(profiles=own.profiles | {"local": without}).write(own_file())
    assert terminal.refused("balance", status=5)["code"] == "NO_SECRET"
    assert terminal.gateway.seen == []


def test_the_environment_alone_configures_a_profile(
    terminal: Terminal, monkeypatch: pytest.MonkeyPatch
) -> None:
    own_file().unlink()
    assert terminal.refused("balance", status=11)["code"] == "NO_PROFILE"
    for name, value in {
        "URL": terminal.gateway.url("public"),
        "API_KEY": "key-bob",
        "API_SECRET": "secret of bob",
        "CLIENT_ID": "bob",
    }.items():
        monkeypatch.setenv(f"TRADING_{name}", value)
    order_id = terminal.ask("place", "buy", "1", "KO")["order_id"]
    assert terminal.ask("order", order_id)["client_id"] == "bob"


def test_a_profile_can_be_added_used_and_removed(
    terminal: Terminal, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = terminal.gateway.url("public")
    add = ("profile", "add", "mine", "--url", url, "--api-key", "key-bob", "--client-id", "bob")
    monkeypatch.setenv("TRADING_API_SECRET", "secret of bob")
    assert terminal.run(*add)[0] == 0
    monkeypatch.delenv("TRADING_API_SECRET")
    assert stat.S_IMODE(own_file().stat().st_mode) == 0o600
    assert terminal.run("profile", "use", "mine")[0] == 0
    listed = terminal.ask("profile", "list")
    assert listed["current"] == "mine"
    assert listed["profiles"]["mine"] == {
        "url": url,
        "api_key": "key-bob",
        "client_id": "bob",
        "admin_url": None,
        "stream_url": None,
    }
    _, out, _ = terminal.run("profile", "list")
    assert "secret" not in out
    assert terminal.ask("balance")["total"] == "50000.00"
    assert terminal.ask("--profile", "local", "balance")["total"] == "100000.00"
    assert terminal.run("profile", "remove", "mine")[0] == 0
    assert profiles.current(None) == "local"
    assert terminal.run("profile", "use", "mine")[0] == 11


def test_a_secret_that_is_not_kept_is_in_no_file(
    terminal: Terminal, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = terminal.gateway.url("public")
    monkeypatch.setenv("TRADING_API_SECRET", "secret of bob")
    terminal.run("profile", "add", "mine", "--url", url, "--api-key", "key-bob", "--ask-secret")
    assert own_file().read_text().count("secret of bob") == 1  # the profile of the demo
    assert terminal.ask("-p", "mine", "balance")["total"] == "50000.00"
