"""The environment of the function."""

from trading.bootstrap.settings import OrdersApiSettings


class Settings(OrdersApiSettings):
    pass
