"""/api/v1/auth of the internal API: the log-in of operators, and their second factors."""

from functions.internal_auth.settings import Settings
from trading.adapters.faces import second_factor
from trading.adapters.faces.auth import LogInRoutes
from trading.adapters.http.resolver import ApiResolver
from trading.adapters.runtime.settings import load
from trading.bootstrap.identity import operator_log_in_api

settings = load(Settings)
api = operator_log_in_api(settings)
app = ApiResolver(origins=settings.origins)
log_in = LogInRoutes(
    app,
    api.log_in,
    api.tokens,
    api.idempotency,
    api.check_code,
    api.signatures,
)
log_in.add_log_in()
second_factor.add_enrolment(app, log_in, api.enrolments, api.idempotency, settings.token_issuer)
handler = app.resolve
