"""POST /api/v1/auth/token of the public API: the log-in of clients, and their second factors."""

from functions.auth.settings import Settings
from trading.adapters.faces import second_factor
from trading.adapters.faces.auth import LogInRoutes
from trading.adapters.http.resolver import ApiResolver
from trading.adapters.runtime.settings import load
from trading.bootstrap.identity import client_log_in_api

settings = load(Settings)
api = client_log_in_api(settings)
app = ApiResolver(api.throttle, origins=settings.origins)
log_in = LogInRoutes(app, api.log_in, api.tokens, api.idempotency, api.check_code)
log_in.add_log_in()
log_in.add_step_up()
second_factor.add_routes(app, log_in, api.second_factor, api.idempotency, settings.token_issuer)
handler = app.resolve
