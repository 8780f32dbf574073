"""Clients and operators.

They send requests over HTTP, repeat them when no answer comes, and remember what they were told.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any
from urllib.parse import urlencode

from tests.simulation.acceptance import open_orders
from tests.simulation.administration import Administration, check_refused_since
from tests.simulation.advances import Advances
from tests.simulation.api_gateway import Answer
from tests.simulation.cancels import Asked, check_accepted, check_kept, check_seen, passes
from tests.simulation.clerks import Clerks
from tests.simulation.cloud import Cloud
from tests.simulation.disablings import Disablings
from tests.simulation.intruders import ORDERS_PATH, Intruders
from tests.simulation.items import Item
from tests.simulation.leaks import Leaks
from tests.simulation.lists import LISTS, Walk, check_walk, spelled
from tests.simulation.market import SYMBOLS
from tests.simulation.operators import Operators
from tests.simulation.oracle import StepOracle
from tests.simulation.probing import Probes
from tests.simulation.proposals import SecondPersons
from tests.simulation.protected_withdrawals import ProtectedWithdrawals
from tests.simulation.protections import Protections
from tests.simulation.refusals import check_refusal
from tests.simulation.registrations import REGISTER, Registrations
from tests.simulation.repeating import (
    Placed,
    Repeaters,
    check_again,
    is_kept_refusal,
)
from tests.simulation.replacing import Replaced
from tests.simulation.replays import Replays
from tests.simulation.scenario import Action, Scenario
from tests.simulation.sessions import Login, Sessions
from tests.simulation.sights import Sight, judge
from tests.simulation.thieves import Thieves
from tests.simulation.usurpers import Usurpers
from tests.simulation.venue_keys import VenueKeys
from tests.simulation.violations import ViolationError
from trading.domain import identifiers

ORDER_FIELDS = (
    "stock_symbol",
    "quantity",
    "order_type",
    "side",
    "time_in_force",
    "price",
    "stop_price",
)


class People:
    """Carries out a scenario's actions at their times."""

    def __init__(
        self,
        cloud: Cloud,
        scenario: Scenario,
        logins: dict[str, Login],
        venue_secrets: Mapping[str, bytes],
        steps: StepOracle,
    ) -> None:
        self.placed: list[Placed] = []
        self.shown: list[tuple[str, dict[str, Any]]] = []
        self.canceled: dict[str, float] = {}
        """The orders whose cancel was accepted, and the time of the first such answer."""
        self.asked = Asked()
        self.replaced: list[Replaced] = []
        self.not_canceled: list[tuple[str, Answer]] = []
        """The orders that an answer called closed or ending, and that answer."""
        self.not_replaced: list[tuple[str, Answer]] = []
        self._cloud = cloud
        self._steps = steps
        self._moments = steps.moments
        self._sessions = sessions = Sessions(cloud, logins)
        self.operators = Operators(cloud, scenario, sessions, steps.trail)
        self.intruders = Intruders(cloud, sessions, venue_secrets, steps.trail)
        self._usurpers = Usurpers(sessions, self.intruders)
        self._replays = Replays(cloud, sessions, self.intruders)
        self._leaks = Leaks(cloud, sessions, steps.trail, self.intruders.tried)
        self._clerks = Clerks(cloud, sessions, steps.trail, self.intruders)
        self._thieves = Thieves(cloud, sessions, self.intruders)
        self._disablings = Disablings(cloud, sessions, steps.trail, self.intruders, self._leaks)
        self._registrations = Registrations(
            cloud, sessions, steps.trail, self.intruders, self._leaks
        )
        self._venue_keys = VenueKeys(cloud, sessions, steps.trail, self.intruders)
        second_persons = SecondPersons(
            sessions,
            self.intruders,
            steps.trail,
            steps.proposals,
            scenario.seed,
            partial(check_refused_since, steps),
            lambda: cloud.engine.now,
        )
        self._repeaters = Repeaters(cloud, sessions, self.placed, self.replaced)
        self._administration = Administration(
            cloud, sessions, steps, self.asked, self._leaks, second_persons, self._repeaters
        )
        self._protections = Protections(
            cloud,
            sessions,
            steps.trail,
            self.intruders.tried,
            ProtectedWithdrawals(cloud, sessions, self._administration, self.intruders.tried),
        )
        self._probes = Probes(cloud, sessions, self._moments)
        self._opening = scenario.opening
        self.advances = Advances(cloud, sessions, self.intruders, steps)
        opening = scenario.opening.timestamp()
        for number, action in enumerate(scenario.actions):
            cloud.engine.at(
                opening + action.at,
                lambda action=action, number=number: self._do(action, number),  # type: ignore[misc]
            )

    def _do(self, action: Action, number: int) -> None:
        does: dict[str, Callable[[Action], None]] = {
            "place": self._place,
            "cancel": self._cancel,
            "cancel all": self._cancel_all,
            "replace": self._replace,
            "show": self._show,
            "execute": self.operators.execute,
            "clear": self.operators.clear,
            "clear early": self.operators.clear_early,
            "look at a client": self.operators.look,
            "close day": lambda _: self.operators.close_day(),
            "redrive": lambda _: self.operators.redrive(),
            "settle": lambda _: self.operators.settle_by_hand(),
            "settle trades": lambda _: self.operators.settle_trades(),
            "rotate key": lambda _: self.operators.rotate(),
            "snoop": self.intruders.snoop,
            "impersonate": self.intruders.impersonate,
            "forge": self.intruders.forge,
            "trespass": self.intruders.trespass,
            "usurp": self._usurpers.usurp,
            "knock": self._usurpers.knock,
            "replay": self._replays.replay,
            "disable": self._disablings.disable,
            "disable a venue": self._venue_keys.disable,
            "protect": self._protections.protect,
            "enrol": self._clerks.enrol,
            "steal": self._thieves.steal,
            REGISTER: self._registrations.register,
            "leak a token": self._leaks.token,
            "leak a secret": self._leaks.secret,
            "look": self._look,
            "administer": self._administration.administer,
            "place again": self._repeaters.place_again,
            "replace again": self._repeaters.replace_again,
            "administer again": self._repeaters.administer_again,
            "peek": self._probes.peek,
            "slip": self._probes.slip,
        }
        copies = action.fields.get("copies", 1)
        for copy in range(copies):
            name = f"{action.who} {action.what} {action.fields.get('key', number)}.{copy}"
            self._sessions.start(name, lambda: does[action.what](action))

    def _place(self, action: Action) -> None:
        body = {"client_id": action.who} | {
            n: action.fields[n] for n in ORDER_FIELDS if n in action.fields
        }
        if action.fields.get("conflicting"):
            self._sessions.start(
                f"{action.who} conflicts {action.fields['key']}",
                lambda: self._send(action, body | {"quantity": 13}),
            )
        self._send(action, body)

    def _send(self, action: Action, body: dict[str, Any]) -> None:
        key = action.fields["key"]
        answer = self._sessions.request(
            action.who, "POST", ORDERS_PATH, key, body, action.fields.get("impatient", False)
        )
        self._cloud.log(action.who, "was told", key, answer.status)
        self.placed.append(Placed(action.who, key, body, answer))

    def _show(self, action: Action) -> None:
        order_id = identifiers.order_id(action.who, action.fields["key"])
        is_accepted = order_id in self.canceled
        answer = self._sessions.request(
            action.who, "GET", f"{ORDERS_PATH}/{order_id}", f"show-{order_id}", None
        )
        if answer.status == 200:
            self.shown.append((order_id, answer.json()))
            is_asked = self.asked.includes(answer.json())
            check_seen(order_id, answer.json(), is_accepted=is_accepted, is_asked=is_asked)

    def _look(self, action: Action) -> None:
        """A client asks for a part of its account, page by page or repeatedly. Each answer is
        judged by itself.
        """
        view, wanted, cursor = action.fields["view"], action.fields.get("wanted"), ""
        first, items, complete = self._cloud.engine.now, [], False
        since = len(self._moments[action.who]) - 1
        filters = f"&{wanted[0]}={wanted[1]}" if wanted else ""
        earliest = action.fields.get("from")
        for page in range(action.fields["pages"]):
            begins, began = len(self._moments[action.who]) - 1, self._cloud.engine.now
            filters = (
                filters if earliest is None else f"&from={spelled(self._opening + earliest, page)}"
            )
            query = f"?limit={action.fields['limit']}{filters}{cursor}" if view in LISTS else ""
            answer = self._sessions.request(
                action.who, "GET", f"/api/v1/{view}{query}", f"look-{page}", None
            )
            if answer.status in (400, 422):
                told = f"{answer.body!r} to {query}"
                raise ViolationError("a list is read to its end", f"{action.who} {view}", told)
            if answer.status != 200:
                return
            body = answer.json()
            judge(
                Sight(
                    action.who,
                    view,
                    body,
                    self._moments[action.who][begins:],
                    self._steps.traders[action.who].margin_percent,
                    {symbol: self._steps.prices.shown(symbol, began) for symbol in SYMBOLS},
                ),
                self._steps.ledger.entries,
            )
            if view not in LISTS:
                continue
            items += body["items"]
            complete = not body["next_cursor"]
            if complete:
                break
            cursor = f"&cursor={body['next_cursor']}"
        if view in LISTS:
            moments = self._moments[action.who]
            walk = Walk(action.who, view, wanted, first, items, complete, moments[since:])
            check_walk(walk, moments, self._steps.ledger)

    def _cancel(self, action: Action) -> None:
        """Cancel an order.

        The answer is 202 while the order is open, and 200 once it is canceled. It is 404 before the
        order has arrived, and 409 when it is too late.
        """
        key, named = action.fields["key"], action.fields.get("named", "by its id")
        order_id = identifiers.order_id(action.who, key)
        path, idempotency_key = {
            "by its id": (f"/{order_id}", f"cancel-{order_id}"),
            "in the path": (f"/{key}", f"cancel-{key}"),
            "in the query": (f":by_client_order_id?client_order_id={key}", f"cancel-{key}"),
        }[named]
        self.asked.add(order_id)
        answer = self._sessions.request(
            action.who, "DELETE", ORDERS_PATH + path, idempotency_key, None
        )
        self._cloud.log(action.who, "was told of its cancel", action.fields["key"], answer.status)
        assert answer.status in (0, 200, 202, 404, 409, 429) or answer.status >= 500, answer
        if answer.status in (200, 202):
            now = self._cloud.engine.now
            check_accepted(answer.json(), answer, self._now(action.who)[order_id], now)
            self.canceled.setdefault(order_id, now)
            self._show(action)
        elif answer.status == 409:
            self.not_canceled.append((order_id, answer))

    def _cancel_all(self, action: Action) -> None:
        """Cancel all orders of a client, or those with the wanted symbol and side.

        What was open or waiting at the request is over or ends, even if others asked for the same.
        """
        who, wanted = action.who, action.fields.get("wanted", {})
        open_before = [order["order_id"] for order in open_orders(self._now(who))]
        asked = self.asked.add_all(who, wanted, self._cloud.engine.now)
        key, path = f"cancel-all-{action.at}", ORDERS_PATH
        path += f"?{urlencode(wanted)}" if wanted else ""
        answer = self._sessions.request(who, "DELETE", path, key, None)
        self._cloud.log(who, "was told of its cancels", answer.status)
        if answer.status != 202:
            return
        asked.until = self._cloud.engine.now
        told, orders = answer.json(), self._now(who)
        for order_id in told["order_ids"]:
            if not passes(orders[order_id], wanted):
                raise ViolationError("a cancel has only what was asked for", order_id, str(wanted))
            self.canceled.setdefault(order_id, self._cloud.engine.now)
        left = [] if told["more"] else [o for o in open_before if passes(orders[o], wanted)]
        check_kept((orders[each] for each in [*left, *told["order_ids"]]), "client")
        self._repeaters.repeat_late(who, "DELETE", path, key, None)
        if wanted:
            others = ORDERS_PATH + ("" if len(wanted) > 1 else "?symbol=NONE&side=sell")
            again = self._sessions.request(who, "DELETE", others, key, None)
            check_again(f"{who} {key}", answer, again, is_other=True)

    def _now(self, client_id: str) -> Mapping[str, Item]:
        """A client's orders as they stand in the books."""
        return self._moments[client_id][-1].orders

    def _replace(self, action: Action) -> None:
        body: dict[str, Any] = {
            n: action.fields[n] for n in ("quantity", "price", "stop_price") if n in action.fields
        }
        if action.fields.get("conflicting"):
            name = f"{action.who} conflicts {action.fields['as']}"
            self._sessions.start(
                name, lambda: self._send_replacement(action, body | {"quantity": 13})
            )
        self._send_replacement(action, body)

    def _send_replacement(self, action: Action, body: dict[str, Any]) -> None:
        """Ask for a replacement.

        The answer is 202 even if the replacement fails later. It is 4xx if the request comes too
        early or too late, or is invalid.
        """
        key, new_key = action.fields["key"], action.fields["as"]
        old_id = identifiers.order_id(action.who, key)
        path, began = f"{ORDERS_PATH}/{old_id}", self._cloud.engine.now
        answer = self._sessions.request(
            action.who, "PATCH", path, new_key, body, action.fields.get("impatient", False)
        )
        self._cloud.log(action.who, "was told of its replacement", new_key, answer.status)
        self.replaced.append(Replaced(action.who, key, new_key, body, answer))
        if answer.status == 409:
            self.not_replaced.append((old_id, answer))
        elif answer.status == 422 and is_kept_refusal(answer):
            if "Idempotency-Replayed" not in answer.headers:
                check_refusal(old_id, body, answer.json()["code"], self._steps, began)
        elif answer.status == 202:
            self._show(action)
