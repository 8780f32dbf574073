"""Who may do what."""

from tests.simulation.bugs.patching import Bug, Edit
from trading.adapters.dynamodb.registry import TableRegistry
from trading.adapters.dynamodb.venue_keys import TableVenueKeys
from trading.adapters.http.principals import Principal
from trading.adapters.http.resolver import ApiResolver
from trading.adapters.identity.credentials import TableCredentials
from trading.adapters.identity.tokens import Tokens
from trading.domain.clients.credentials import Credential
from trading.usecases.administration.administer_clients import AdministerClients
from trading.usecases.administration.administer_keys import AdministerKeys
from trading.usecases.orders.cancel_order import RequestCancel
from trading.usecases.orders.replace_order import ReplaceOrder

ORDERS, CALLBACKS = "functions.orders.handler", "functions.callbacks.handler"
BUGS = (
    Bug(
        "permissions not looked at",
        "A route does not compare its permission with those of the token.",
        "Whoever may look at an account may trade with it.",
        (
            Edit(
                ApiResolver.check_permission,
                "if permission and permission not in self.principal.permissions:",
                "if False:",
            ),
        ),
    ),
    Bug(
        "audience not looked at",
        "A token is accepted whatever API it is for.",
        "A client's token opens the operators' API.",
        (
            Edit(Tokens._stated, "if key_id not in self._keys.of(audience):", "if False:"),
            Edit(Tokens._stated, '"verify_aud": True,', '"verify_aud": False,'),
        ),
    ),
    Bug(
        "a log-in knows the keys of both audiences",
        "The log-in of an API does not look at what a key is for.",
        "Whoever controls the function that strangers reach can sign for operators.",
        (
            Edit(
                TableCredentials.credential,
                "found if found and found.audience == self._audience else None",
                "found",
            ),
        ),
    ),
    Bug(
        "a refused operator leaves no trace",
        "A route refuses an operator without its permission, and writes nothing.",
        "Nobody sees that an operator tries what the roles do not permit.",
        (Edit(ApiResolver.check_permission, "if self._on_forbidden:", "if False:"),),
    ),
    Bug(
        "a disabled key keeps its tokens",
        "Disabling a key refuses log-ins, but its tokens are not ended.",
        "Whoever has a token of the key goes on, at once or when it is enabled again.",
        (Edit(Credential.with_status, "else self.with_ended_tokens()", "else self"),),
    ),
    Bug(
        "a disabled key of a venue is accepted",
        "A report is verified by its signature alone.",
        "Whoever has the leaked secret of an exchange books trades until it is replaced.",
        (Edit(CALLBACKS, "if not api.venue_keys.is_active(key_id):", "if False:"),),
    ),
    Bug(
        "the status of a venue's key may be an old one",
        "The status is read eventually consistent, for half the price.",
        "Reports are accepted for moments after the key was disabled.",
        (Edit(TableVenueKeys.key, "ConsistentRead=True", "ConsistentRead=False"),),
    ),
    Bug(
        "an operator may disable the own key",
        "Nobody compares the operator with who asks.",
        "The last one who could undo it is locked out.",
        (Edit(AdministerKeys.set_operator, "if name == operator.name:", "if False:"),),
    ),
    Bug(
        "an expired token accepted",
        "Routes do not check when the token expires.",
        "A token opens the API after its end, while API Gateway keeps the verdict.",
        (
            Edit(
                Principal.check_not_expired,
                "if self.expires_at <= now.timestamp():",
                "if False:",
            ),
        ),
    ),
    Bug(
        "an ended token accepted",
        "Routes do not check whether the token was ended.",
        "A leaked token outlives the rotation of its secret.",
        (Edit(Principal.check_not_ended, "if self.generation < generation:", "if False:"),),
    ),
    Bug(
        "a suspension leaves the tokens",
        "A suspension does not tell the routes that the tokens have ended.",
        "A suspended client reads on until its token expires.",
        (Edit(AdministerClients._end_tokens, "if credential.generation:", "if False:"),),
    ),
    Bug(
        "a rotation leaves the tokens",
        "A secret that ends at once does not end the tokens of its key.",
        "Whoever got a token with a leaked secret keeps it.",
        (Edit(Credential._with_secrets, "if ended else changed", "if False else changed"),),
    ),
    Bug(
        "an operator's key taken for a client's",
        "The registry of clients gives out API keys of every audience.",
        "An operator replaces the secret of another one, and logs in under that name.",
        (
            Edit(
                TableRegistry.credential,
                "found if found and found.audience == self._audience else None",
                "found",
            ),
            Edit(TableRegistry._write, "if change.audience != self._audience:", "if False:"),
        ),
    ),
    Bug(
        "a client may have any name",
        "A creation does not ask whether an operator, an exchange or the broker has the name.",
        "Entries of a client stand in an account of the broker.",
        (Edit(AdministerClients._create, "self.registry.is_reserved(client.client_id)", "False"),),
    ),
    Bug(
        "a route with the wrong permission",
        "Cancel all asks for the permission to read.",
        "Whoever may look at orders may cancel them.",
        (
            Edit(
                ORDERS,
                '@app.delete(\n    "/api/v1/orders",\n    **CHANGE,',
                '@app.delete(\n    "/api/v1/orders",\n    '
                '**(CHANGE | {"permission": "orders:read"}),',
            ),
        ),
    ),
    Bug(
        "another client's order canceled",
        "A cancel checks that the order exists, not whose order it is.",
        "Anyone who knows an order's id can cancel it.",
        (
            Edit(
                RequestCancel._record,
                "if order is None or order.client_id != client_id:",
                "if order is None:",
            ),
        ),
    ),
    Bug(
        "another client's order replaced",
        "A replacement checks that the order exists, not whose order it is.",
        "Anyone who knows an order's id can change it.",
        (
            Edit(
                ReplaceOrder._record,
                "if old is None or old.client_id != client_id:",
                "if old is None:",
            ),
        ),
    ),
    Bug(
        "an exchange reports for another",
        "The exchange of a report is not compared with the key that signed it.",
        "One exchange can book trades at another.",
        (
            Edit(
                CALLBACKS,
                'if header(app.event, "x-key-id") != report.exchange_id:',
                "if False:",
            ),
        ),
    ),
)
