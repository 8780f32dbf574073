"""Second factors."""

from tests.simulation.bugs.patching import Bug, Edit
from trading.adapters.faces.auth import LogInRoutes
from trading.adapters.identity.authorizer import Authorizer
from trading.adapters.identity.codes import DerivedCodes
from trading.domain.clients import second_factor
from trading.domain.clients.credentials import Credential
from trading.domain.clients.second_factor import SecondFactor, check_may_enrol, methods_shown
from trading.usecases.administration.administer_keys import AdministerKeys
from trading.usecases.administration.reset_second_factor import ResetSecondFactor
from trading.usecases.administration.transfer_assets import TransferAssets
from trading.usecases.identity.second_factor import CheckCode, ClientPolicies, Enrolments
from trading.usecases.orders.place_order import PlaceOrder
from trading.usecases.orders.replace_order import ReplaceOrder

BUGS = (
    Bug(
        "a code is good twice",
        "Nothing checks which code was used last.",
        "Whoever looks over a shoulder logs in with the same code.",
        (Edit(SecondFactor.after_code, "if step <= self.last_step:", "if False:"),),
    ),
    Bug(
        "a recovery code is good twice",
        "Nothing checks whether a recovery code was used.",
        "A list that was found in the trash still opens the account.",
        (
            Edit(
                SecondFactor.after_recovery_code,
                "if each.request == request and now - each.at <= REPEATED_WITHIN:",
                "if True:",
            ),
        ),
    ),
    Bug(
        "codes of the future",
        "A code is valid minutes before its time.",
        "Whoever holds the phone for a moment notes codes for later.",
        (Edit(DerivedCodes.step_of, "current + STEPS_APART + 1", "current + 9"),),
    ),
    Bug(
        "codes never get old",
        "A code is valid minutes after its time.",
        "A code that was seen and not used is tried later.",
        (Edit(DerivedCodes.step_of, "current - STEPS_APART,", "current - 9,"),),
    ),
    Bug(
        "guesses not counted",
        "Wrong codes are not counted.",
        "A thief of the secret tries codes until one fits.",
        (
            Edit(
                CheckCode.__call__,
                "self.factors.commit(factor.after_wrong_code(self.clock()))",
                "pass",
            ),
        ),
    ),
    Bug(
        "guesses do not lock",
        "Wrong codes are counted, and the right one passes all the same.",
        "A thief of the secret tries codes until one fits.",
        (Edit(CheckCode._after, "factor.check_not_locked(now)", "pass"),),
    ),
    Bug(
        "a token of a second factor without a code",
        "Every token says that there was a second factor.",
        "Whoever steals the secret trades with it.",
        (Edit(methods_shown, "return WITH_SECRET", "return WITH_CODE"),),
    ),
    Bug(
        "orders without the second factor",
        "Order entry ignores the policy.",
        "Whoever steals the secret trades with it.",
        (
            Edit(
                PlaceOrder._record,
                "check_order(facts.client, decision.order.open_notional, has_second_factor)",
                "pass",
            ),
        ),
    ),
    Bug(
        "replacements without the second factor",
        "A replacement ignores the policy.",
        "A thief turns a small order into a large one.",
        (
            Edit(
                ReplaceOrder._record,
                "order.open_notional, has_second_factor)",
                "order.open_notional, True)",
            ),
        ),
    ),
    Bug(
        "a second factor for small orders too",
        "Nothing compares the order with the amount of the policy.",
        "An order that needs no code is refused.",
        (Edit(second_factor.check_order, "or notional <= above", ""),),
    ),
    Bug(
        "the old phone stays valid",
        "A new enrolment does not end the one before it.",
        "The finder of a lost phone trades with it.",
        (
            Edit(
                SecondFactor.confirmed,
                "enrolment=enrolment",
                "enrolment=self.enrolment or enrolment",
            ),
        ),
    ),
    Bug(
        "a phone is replaced without a code",
        "To enrol needs only the secret, even if there is a second factor.",
        "Whoever steals the secret enrols a phone.",
        (
            Edit(
                Enrolments.enrol,
                "if factor.enrolment is not None:",
                "if False:",
            ),
        ),
    ),
    Bug(
        "a policy is set without a code",
        "To set the policy needs only the secret.",
        "Whoever steals the secret switches the second factor off.",
        (Edit(ClientPolicies.set, "self.check(caller.holder, code, caller.request)", "pass"),),
    ),
    Bug(
        "protected withdrawals need no code",
        "An operator withdraws whatever the client's policy is.",
        "Whoever has an operator's keys empties a protected account.",
        (
            Edit(
                TransferAssets._confirm,
                "used = code_to_withdraw(decided.client, code)",
                "used = None",
            ),
        ),
    ),
    Bug(
        "proposals of protected withdrawals need no code",
        "A withdrawal above the amount is proposed without a code.",
        "Two operators empty a protected account.",
        (
            Edit(
                TransferAssets.try_withdrawal,
                "self._confirm(decided, code)",
                "False",
            ),
        ),
    ),
    Bug(
        "proposals from before the protection are approved",
        "An approval does not look whether a code was used for its proposal.",
        "Two operators empty an account that was protected in vain.",
        (
            Edit(
                TransferAssets.withdraw,
                "if approval and approval.proposal.with_code:",
                "if approval:",
            ),
        ),
    ),
    Bug(
        "one code for all withdrawals",
        "The request that uses a code is named by the client, not by the withdrawal.",
        "An operator who was given a code for one withdrawal makes others with it.",
        (
            Edit(
                TransferAssets._confirm,
                "used, decided.entry.trade_id)",
                "used, decided.client.client_id)",
            ),
        ),
    ),
    Bug(
        "the policy of withdrawals is not kept",
        "A policy is stored without what it says of withdrawals.",
        "The client believes that withdrawals are protected.",
        (Edit(ClientPolicies.set, "above, withdrawals)", "above)"),),
    ),
    Bug(
        "a reset changes nothing",
        "The operator's reset only writes to the audit log.",
        "A client who lost everything cannot trade.",
        (Edit(ResetSecondFactor._reset, "self.factors.commit(factor.removed())", "pass"),),
    ),
    Bug(
        "operators log in with the secret only",
        "The log-in of the internal API asks for no second factor.",
        "Whoever steals the secret of an operator logs in.",
        (Edit(methods_shown, "if credential.is_of_operator:", "if False:"),),
    ),
    Bug(
        "tokens of operators without a second factor",
        "The internal API does not look how a token was obtained.",
        "A token of the secret alone opens the internal API.",
        (
            Edit(
                Authorizer._check_not_ended,
                "if Method.SEVERAL not in grant.methods:",
                "if False:",
            ),
        ),
        tolerated="The log-in issues no such token to operators. The other one of the two checks "
        "holds.",
    ),
    Bug(
        "the record of a signed log-in answers an unsigned one",
        "The record under an Idempotency-Key does not say how its token was obtained.",
        "Whoever has seen a signed log-in repeats it without the signature.",
        (
            Edit(
                LogInRoutes._answer,
                'principal = " ".join((credential.api_key, *methods))',
                "principal = credential.api_key",
            ),
        ),
    ),
    Bug(
        "an authenticator beside a registered key",
        "The secret of a program's API key enrols an authenticator.",
        "Whoever steals the secret of a program enrols a phone, and logs in with its codes.",
        (Edit(check_may_enrol, "if credential.public_key and not is_signed:", "if False:"),),
    ),
    Bug(
        "tokens outlive another public key",
        "To register a public key does not end the tokens of its API key.",
        "Whoever got a token with the key that was replaced goes on.",
        (
            Edit(
                Credential.with_public_key,
                "self.with_ended_tokens().but(public_key=public_key)",
                "self.but(public_key=public_key)",
            ),
        ),
    ),
    Bug(
        "the derived key is registered",
        "Nobody compares a public key with those that are derived from the secrets.",
        "Whoever steals the secret of a program has both factors.",
        (
            Edit(
                Credential.with_public_key,
                "if public_key in {each.public_key for each in self.secrets}:",
                "if False:",
            ),
        ),
    ),
    Bug(
        "a replaced public key still signs",
        "A registered key stays when another one is registered.",
        "Whoever stole the private key of a program logs in after the operator replaced it.",
        (
            Edit(
                Credential.with_public_key,
                "but(public_key=public_key)",
                "but(public_key=self.public_key or public_key)",
            ),
        ),
    ),
    Bug(
        "the audit log does not name the public key",
        "The entry about a registration says for which API key, but not what was registered.",
        "Nobody can tell later whose key an operator registered.",
        (
            Edit(
                AdministerKeys.set_public_key,
                'public_key=public_key or "none",',
                "",
            ),
        ),
    ),
)
