"""The clients' account API."""

from dataclasses import dataclass

from trading.adapters.http.throttle import Throttle
from trading.bootstrap.api import throttle
from trading.bootstrap.books import last_prices, table_books
from trading.bootstrap.settings import ClientApiSettings
from trading.usecases.accounts.list_movements import ListMovements
from trading.usecases.accounts.show_accounts import ShowAccounts


@dataclass(frozen=True)
class AccountsApi:
    accounts: ShowAccounts
    list_movements: ListMovements
    throttle: Throttle


def accounts_api(settings: ClientApiSettings) -> AccountsApi:
    books = table_books(settings)
    return AccountsApi(
        accounts=ShowAccounts(books, last_prices(settings.control_table)),
        list_movements=ListMovements(books),
        throttle=throttle(settings),
    )
