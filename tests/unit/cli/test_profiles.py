"""Where a command finds the API and the credentials, and who else may read them."""

from pathlib import Path

import pytest

from cli import profiles
from cli.failures import Exit, Failure
from cli.profiles import own_file
from workstation.profiles import Profile, Profiles

ALICE = Profile(
    url="https://api.example.com/dev", api_key="key-alice", api_secret="secret", client_id="alice"
)


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.setenv("TRADING_LOCAL_DIR", str(tmp_path / "local"))
    return tmp_path


def code_of(failure: pytest.ExceptionInfo[Failure]) -> str:
    assert failure.value.status == Exit.CONFIGURATION
    return str(failure.value.problem["code"])


def test_a_profile_is_read_as_it_was_written() -> None:
    Profiles(current="alice", profiles={"alice": ALICE}).write(own_file())
    assert profiles.chosen(None, {}) == ALICE
    assert own_file().parent.stat().st_mode & 0o077 == 0


@pytest.mark.parametrize("mode", [0o644, 0o640, 0o604, 0o610])
def test_a_profile_file_that_others_can_read_is_refused(mode: int) -> None:
    Profiles(profiles={"alice": ALICE}).write(own_file())
    own_file().chmod(mode)
    with pytest.raises(Failure) as failure:
        profiles.known()
    assert code_of(failure) == "FILE_NOT_PRIVATE"
    assert f"chmod 600 {own_file()}" in failure.value.lines[0]


@pytest.mark.parametrize(
    "content", ["", "{", "[]", '{"profiles": {"a": {}}}', '{"profiles": {}, "more": 1}']
)
def test_a_file_that_is_no_profile_file_is_reported(content: str) -> None:
    Profiles().write(own_file())
    own_file().write_text(content)
    with pytest.raises(Failure) as failure:
        profiles.known()
    assert code_of(failure) == "PROFILES_NOT_VALID"


def test_an_error_in_a_profile_is_reported_without_the_secret() -> None:
    Profiles().write(own_file())
    own_file().write_text(
        '{"profiles": {"a": {"url": "https://x.example", "api_key": 5, "api_secret": "s3cret"}}}'
    )
    with pytest.raises(Failure) as failure:
        profiles.known()
    assert "profiles.a.api_key" in str(failure.value)
    assert "s3cret" not in str(failure.value.__dict__)


@pytest.mark.parametrize(
    "url",
    ["https://x.example/dev", "http://127.0.0.1:4566/x", "http://localhost:1", "http://[::1]"],
)
def test_a_secret_is_sent_only_encrypted_or_to_the_local_machine(url: str) -> None:
    assert profiles.profile({"url": url + "/", "api_key": "k"}).url == url


@pytest.mark.parametrize(
    "url",
    [
        "http://x.example",
        "http://127.0.0.1.x.example",
        "ftp://localhost",
        "x.example",
        "",
        "http://10.0.0.1",
    ],
)
def test_any_other_address_is_refused(url: str) -> None:
    with pytest.raises(Failure) as failure:
        profiles.profile({"url": url, "api_key": "k"})
    assert code_of(failure) == "PROFILE_NOT_VALID"


def test_the_environment_overrides_the_file() -> None:
    Profiles(current="alice", profiles={"alice": ALICE}).write(own_file())
    assert profiles.chosen(
        None, {"TRADING_API_SECRET": "other", "TRADING_CLIENT_ID": ""}
    ) == ALICE.model_copy(update={"api_secret": "other"})


def test_the_profiles_of_the_local_system_need_no_setup(home: Path) -> None:
    state = home / "local" / "state"
    Profiles(profiles={"local": ALICE, "local-bob": ALICE}).write(state / "profiles.json")
    assert profiles.chosen(None, {}) == ALICE
    bob = ALICE.model_copy(update={"api_key": "key-bob"})
    Profiles(current="mine", profiles={"mine": bob, "local": bob}).write(own_file())
    assert profiles.chosen(None, {}) == bob
    assert profiles.chosen("local", {}) == bob
    assert profiles.chosen("local-bob", {}) == ALICE


def test_without_a_profile_the_error_says_how_to_add_one() -> None:
    with pytest.raises(Failure) as failure:
        profiles.chosen(None, {"TRADING_URL": "https://x.example"})
    assert code_of(failure) == "NO_PROFILE"
