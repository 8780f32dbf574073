"""POST /api/v1/auth/token of the public API: the log-in of clients, and their second factors."""

from functions.auth.settings import Settings
from trading.adapters.faces import second_factor
from trading.adapters.faces.auth import LogInRoutes
from trading.adapters.http.resolver import ApiResolver
from trading.adapters.runtime.settings import load
from trading.bootstrap.identity import client_log_in_api

settings = load(Settings)
api = client_log_in_api(settings)
base = api.base
app = ApiResolver(api.throttle, origins=settings.origins)
log_in = LogInRoutes(
    app,
    base.log_in,
    base.tokens,
    base.idempotency,
    base.check_code,
    base.signatures,
)
log_in.add_log_in()
log_in.add_step_up()
second_factor.add_enrolment(app, log_in, base.enrolments, base.idempotency, settings.token_issuer)
second_factor.add_policy(app, log_in, base.enrolments, api.policies, base.idempotency)
handler = app.resolve
