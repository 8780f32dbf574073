"""Signed requests."""

from tests.simulation.bugs.patching import Bug, Constant, Edit
from trading.adapters.http import signature_check
from trading.adapters.http.nonces import TableNonces
from trading.adapters.http.signature_check import Signatures, SignedRequests
from trading.adapters.identity import request_signatures
from trading.domain.clients import signed_requests

BUGS = (
    Bug(
        "unsigned requests let in",
        "A route that needs a signature takes a request without one.",
        "Whoever steals a token withdraws with it.",
        (Edit(SignedRequests.check, "needed is Required.ALWAYS or", ""),),
    ),
    Bug(
        "unsigned orders of a client who signs",
        "Nobody looks into the profile whether the client wants its orders signed.",
        "Whoever steals the client's token trades with it.",
        (Edit(SignedRequests.check, "or self.is_wanted(principal.client_id)", ""),),
    ),
    Bug(
        "nonces not remembered",
        "Nobody looks whether the nonce of a signature came before.",
        "Whoever has seen a signed request sends it again.",
        (Edit(Signatures.verify, "self.use_nonce(api_key, nonce)", "pass"),),
    ),
    Bug(
        "a nonce is used up by its first write",
        "The repetition of a write whose answer was lost counts as a second use.",
        "A valid request is refused as a replay.",
        (
            Edit(
                TableNonces.use,
                "attribute_not_exists(used_by) OR used_by = :use",
                "attribute_not_exists(used_by)",
            ),
        ),
    ),
    Bug(
        "a nonce is used up by a forgery",
        "The nonce is remembered before the signature is verified.",
        "A forged copy makes the true request a replay.",
        (
            Edit(
                Signatures.verify,
                "nonce = self.load_verify()(",
                "self.use_nonce(api_key, list_header(event, 'signature-input').split('\"')[-2]); "
                "nonce = self.load_verify()(",
            ),
            Edit(Signatures.verify, "self.use_nonce(api_key, nonce)", "pass"),
        ),
    ),
    Bug(
        "the signed digest not compared with the body",
        "The digest of the body is signed, but nobody computes it of the body that came.",
        "Another amount is withdrawn than the one that was signed.",
        (
            Edit(
                request_signatures.verify,
                "require_components=covered, body=body",
                "require_components=covered",
            ),
        ),
    ),
    Bug(
        "the path is not signed",
        "All requests are signed as if they had the same path.",
        "What was signed for one client is withdrawn from another one.",
        (Edit(signed_requests.path_of, "return quote(unquote(path)", "return quote('/'"),),
    ),
    Bug(
        "the query is not signed",
        "All requests are signed as if they had no query.",
        "A signed cancel of some orders cancels all.",
        (Edit(signed_requests.query_of, "pairs = sorted(parameters)", "pairs = []"),),
    ),
    Bug(
        "signatures never get old",
        "Nobody looks when a signature was created.",
        "A signed request that never arrived is sent months later.",
        (Edit(signed_requests.check_times, "if age > longest:", "if False:"),),
    ),
    Bug(
        "signatures from the future",
        "Nobody compares the time of a signature with a clock that is behind it.",
        "A signature outlives its nonce: it can be sent again.",
        (
            Edit(
                signed_requests.check_times,
                "if -age > LONGEST_AHEAD.total_seconds():",
                "if False:",
            ),
        ),
    ),
    Bug(
        "the key of a signature is not that of the token",
        "Nobody compares the key that a signature names with the key of the token.",
        "A signature is attributed to somebody who did not make it.",
        (
            Edit(
                request_signatures._KeysOf.resolve_public_key,
                "if key_id != self._api_key:",
                "if False:",
            ),
        ),
    ),
    Bug(
        "signatures not verified",
        "A signature with the right form is taken for a valid one.",
        "Whoever steals a token withdraws with it.",
        (
            Edit(
                request_signatures._AnyKey.verify,
                "if not any(",
                "if False and not any(",
            ),
        ),
    ),
    Bug(
        "the signature of a log-in not verified",
        "A log-in with any signature counts as one with two factors.",
        "Whoever steals the secret of an operator logs in.",
        (
            Edit(
                signature_check.verify_log_in,
                "signatures.verify(event, body, api_key, keys, LOG_IN_COVERED)",
                "pass",
            ),
        ),
    ),
    Bug(
        "the key of the secret signs a log-in",
        "A log-in may be signed with any key that signs requests.",
        "Whoever steals the secret of an operator has both factors.",
        (
            Edit(
                signature_check.verify_log_in,
                "partial(_registered, credential)",
                "credential.valid_public_keys",
            ),
        ),
    ),
    Bug(
        "the signature of a log-in does not cover its key",
        "The signature of a log-in need not cover the Idempotency-Key, and does not.",
        "What was signed for one log-in is used for another one.",
        (
            Constant(signature_check, "LOG_IN_COVERED", ("@method", "@path", "@query")),
            Constant(request_signatures, "LOG_IN_COVERED", ("@method", "@path", "@query")),
        ),
    ),
)
