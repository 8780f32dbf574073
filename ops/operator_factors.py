"""The commands of `ops operators` about second factors: those of programs and of people."""

from collections.abc import Callable

import typer

from ops.operator_keys import Name, OneKey, Operators, RefusedError, audit, or_exit
from ops.options import AsJson, Reason
from ops.target import Target
from trading.adapters.dynamodb.second_factors import TableSecondFactors
from trading.adapters.identity.signature_keys import read_public_key
from trading.domain.clients.credentials import Credential, DerivedKeyError
from trading.domain.clients.second_factor import FactorStatus
from workstation.public_key_options import PublicKeyFile, Remove, chosen_pem
from workstation.screen import Screen


def statuses(target: Target) -> Callable[[str], FactorStatus]:
    """What tells whether an operator has enrolled an authenticator."""
    factors = _factors(target)
    return lambda name: factors.of(_holder(name)).status


def set_public_key(
    ctx: typer.Context,
    name: Name,
    reason: Reason,
    public_key_file: PublicKeyFile = None,
    remove: Remove = False,
    api_key: OneKey = None,
    as_json: AsJson = False,
) -> None:
    """Register the public key of a program, or remove it. The program signs its log-ins with the
    private key. All tokens of the API key are refused at once. An authenticator that was enrolled
    before ends with the registration.
    """
    screen, operators = Screen(as_json), Operators(ctx.obj)
    pem = chosen_pem(public_key_file, remove)
    public_key = read_public_key(pem) if pem else None
    key = or_exit(screen, lambda: operators.key_of(name, api_key))
    changed = or_exit(screen, lambda: _with_public_key(key, public_key))
    audit(ctx.obj, "set-public-key", key, reason, public_key=public_key or "none")
    operators.save(changed)
    if public_key:  # whoever has the secret may have enrolled, and must gain nothing by it
        _remove_factor(ctx.obj, name)
    screen.show(
        {"name": name, "api_key": key.api_key, "public_key": public_key},
        f"{name} may sign log-ins with the registered key."
        if public_key
        else f"{name} has no registered key any more.",
    )


def reset_second_factor(
    ctx: typer.Context, name: Name, reason: Reason, as_json: AsJson = False
) -> None:
    """End the second factor of an operator who has lost the phone and the recovery codes. All
    tokens are refused at once. The operator must enrol again before the next log-in.
    """
    screen, operators = Screen(as_json), Operators(ctx.obj)
    keys = or_exit(screen, lambda: operators.keys_of(name))
    audit(ctx.obj, "reset-second-factor", keys[0], reason)
    _remove_factor(ctx.obj, name)
    operators.save(*(each.with_ended_tokens() for each in keys))
    screen.show(
        {"name": name, "second_factor": str(FactorStatus.NONE)},
        f"{name} has no second factor. Enrol at once: trading second-factor enrol",
    )


def _with_public_key(key: Credential, public_key: str | None) -> Credential:
    try:
        return key.with_public_key(public_key)
    except DerivedKeyError as error:
        raise RefusedError(str(error)) from error


def _remove_factor(target: Target, name: str) -> None:
    factors = _factors(target)
    factor = factors.of(_holder(name))
    if factor.version and factor != factor.removed():
        factors.commit(factor.removed())


def _factors(target: Target) -> TableSecondFactors:
    return TableSecondFactors(target.dynamodb, target.named("factors"))


def _holder(name: str) -> str:
    return f"operator/{name}"
