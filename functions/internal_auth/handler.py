"""POST /api/v1/auth/token of the internal API: the log-in of operators."""

from functions.internal_auth.settings import Settings
from trading.adapters.faces.auth import LogInRoutes
from trading.adapters.http.resolver import ApiResolver
from trading.adapters.runtime.settings import load
from trading.bootstrap.identity import operator_log_in_api

settings = load(Settings)
api = operator_log_in_api(settings)
app = ApiResolver(origins=settings.origins)
LogInRoutes(app, api.log_in, api.tokens, api.idempotency).add_log_in()
handler = app.resolve
