"""Routing orders to exchanges, and canceling them there."""

from tests.simulation.bugs.patching import Bug, Edit
from trading.adapters.venues import exchanges
from trading.domain.orders import routing
from trading.domain.orders.order import Order
from trading.domain.orders.routing import Venue
from trading.usecases.execution.advance_order import AdvanceOrder
from trading.usecases.execution.continue_workflow import ContinueWorkflow
from trading.usecases.execution.end_early import EndEarly
from trading.usecases.execution.give_up_order import GiveUpOrder
from trading.usecases.execution.route_order import RouteOrder
from trading.usecases.execution.send_in_sequence import SendInSequence
from trading.usecases.execution.submit_child import SubmitChild

BUGS = (
    Bug(
        "the worst venue first",
        "The venues are ranked by falling cost.",
        "Clients get the worst price that is displayed.",
        (Edit(routing.allocate, "(v.effective_cost(side), -v", "(-v.effective_cost(side), -v"),),
    ),
    Bug(
        "a stop order to the worst venue",
        "A stop order goes to the venue with the highest cost.",
        "Stop orders execute at a worse price than others.",
        (Edit(routing.allocate_whole, "best = min(", "best = max("),),
    ),
    Bug(
        "buyers ranked by the bid",
        "The router compares bids for buys and asks for sells.",
        "The best venue is found by chance.",
        (
            Edit(
                Venue.price,
                "self.ask if side is Side.BUY else self.bid",
                "self.bid if side is Side.BUY else self.ask",
            ),
        ),
    ),
    Bug(
        "ranked without fees",
        "The router compares prices without the exchanges' fees.",
        "Clients pay a higher fee at the same price.",
        (Edit(Venue.effective_cost, " + self.fee_per_share", ""),),
    ),
    Bug(
        "displayed sizes ignored",
        "The best venue gets everything, however little it displays.",
        "Orders rest at one exchange while others would execute them.",
        (Edit(routing.allocate, "min(left, venue.size(side))", "left"),),
    ),
    Bug(
        "predecessors not sent first",
        "An order is routed without checking the client's earlier orders.",
        "A client's sell reaches the exchange before a buy that was sent earlier.",
        (
            Edit(
                SendInSequence.__call__,
                "for predecessor in self._unsent_predecessors(order, redelivered):",
                "for predecessor in ():",
            ),
        ),
    ),
    Bug(
        "no fence after an unknown submit",
        "An unanswered submit counts as refused.",
        "The order is sent elsewhere while the first exchange works it. The client buys twice.",
        (
            Edit(
                SubmitChild.__call__,
                "        self.monitor.count(Metric.SUBMITS_UNKNOWN, "
                "exchange_id=child.exchange_id, error=str(error))\n"
                "        return self._fence(order, child)",
                "        return self.book.child_end(order, child, ChildStatus.REJECTED, 0, "
                "str(error))",
            ),
        ),
    ),
    Bug(
        "the fence's answer is not read",
        "After the fence the child counts as refused, whatever the exchange had executed before.",
        "Executions before the fence are refused, and the shares are bought again elsewhere.",
        (
            Edit(
                SubmitChild._fence,
                "order, child, ChildStatus.REJECTED, state.cumulative_quantity,",
                "order, child, ChildStatus.REJECTED, 0,",
            ),
            Edit(
                SubmitChild._fence,
                "order = self.book.state(order, child, state.without_end())",
                "pass",
            ),
        ),
    ),
    Bug(
        "an unanswered fence taken for done",
        "If the fence is not answered either, the child counts as refused.",
        "The order is sent elsewhere while the first exchange works it. The client buys twice.",
        (
            Edit(
                SubmitChild._fence,
                "        return order\n",
                "        return self.book.child_end(order, child, ChildStatus.REJECTED, 0, "
                "str(error))\n",
            ),
        ),
    ),
    Bug(
        "503 on a resend taken for not accepted",
        "A refusal is believed although the same child was sent before.",
        "The order is sent elsewhere while the first exchange works it. The client buys twice.",
        (Edit(SubmitChild.__call__, "if first_time:", "if True:"),),
    ),
    Bug(
        "a submit is repeated",
        "An unanswered submit is sent again at once. A 503 then counts as not accepted.",
        "The order is sent elsewhere while the first exchange works it. The client buys twice.",
        (Edit(exchanges.HttpExchanges._call, 'tries = 1 if method == "POST" else 2', "tries = 2"),),
    ),
    Bug(
        "503 to a question taken for not found",
        "An exchange that is down counts as not knowing the order.",
        "None.",
        (
            Edit(
                exchanges.HttpExchanges._state,
                'raise OutcomeUnknownError(str(error) or f"{exchange_id} is down") from error',
                "raise _Unknown(path) from error",
            ),
        ),
        tolerated=(
            "A child is sent again under its own id. That changes nothing at an exchange "
            "that knows it."
        ),
    ),
    Bug(
        "sent before it is saved",
        "A child is sent first and saved with the answer.",
        "If a worker dies in between, the child is forgotten and sent elsewhere as well.",
        (
            Edit(
                RouteOrder.proceed,
                "                order = self._save(order.routed(plan, self.clock()))\n",
                "                order = order.routed(plan, self.clock())\n"
                "                for child in order.live_children:\n"
                "                    if child.number not in done:\n"
                "                        done.add(child.number)\n"
                "                        order = self.submit(order, child, first_time=True)\n"
                "                order = self._save(order)\n",
            ),
        ),
    ),
    Bug(
        "children numbered by those that live",
        "A child's number counts the live children, not all children so far.",
        "A second child gets the id of the first. The exchange takes it for the first.",
        (Edit(Order.routed, "len(self.children) + 1", "len(self.live_children) + 1"),),
    ),
    Bug(
        "what is at the exchanges is routed again",
        "Everything that is not filled counts as unrouted.",
        "The client buys twice.",
        (
            Edit(
                Order.unrouted,
                "self.remaining - sum(child.leaves for child in self.children)",
                "self.remaining",
            ),
        ),
    ),
    Bug(
        "remainder of an immediate order routed twice",
        "When an exchange cancels the rest of an immediate child, the order's whole quantity is "
        "sent elsewhere.",
        "The client buys twice.",
        (
            Edit(
                routing.plan_route,
                "order.side, order.unrouted, order.protection_price",
                "order.side, order.unrouted if not is_second_round(order) else order.quantity, "
                "order.protection_price",
            ),
        ),
    ),
    Bug(
        "a dead worker's child is not sent again",
        "A poll that finds a child unknown to its exchange does nothing.",
        "An accepted order never reaches the market and expires.",
        (
            Edit(
                AdvanceOrder.__call__,
                "order = self.route.proceed(order, unknown)",
                "order = self.route.proceed(order)",
            ),
        ),
    ),
    Bug(
        "cancel taken as final before the exchange agreed",
        "A child whose cancel is not answered counts as canceled.",
        "The client's hold is released, and the exchange still fills the order.",
        (
            Edit(
                EndEarly.cancel_children,
                "self.monitor.count(Metric.CANCELS_UNANSWERED, exchange_id=child.exchange_id, "
                "error=str(error))",
                "order = self.book.child_end(order, child, "
                '__import__("trading").domain.orders.child_order.ChildStatus.CANCELED, 0, '
                '"canceled")',
            ),
        ),
    ),
    Bug(
        "what was executed before the cancel is lost",
        "The answer to a cancel is not read. The child ends with the booked quantity.",
        "A fill that raced the cancel is refused.",
        (
            Edit(
                EndEarly.cancel_children,
                "        order = self.book.state(order, child, state)\n",
                "        order = self.book.child_end(order, child, "
                '__import__("trading").domain.orders.child_order.ChildStatus.CANCELED, 0, '
                "state.reason)\n",
            ),
        ),
    ),
    Bug(
        "an order ends though a child is live",
        "An order with a pending ending ends without waiting for its children.",
        "The client's hold is released, and the exchange still fills the order.",
        (
            Edit(
                routing.next_step,
                "return Step.WAIT if order.live_children else ended",
                "return ended",
            ),
            Edit(
                routing.next_step,
                "order.unrouted == 0:",
                "(order.unrouted == 0 and not order.ending):",
            ),
        ),
    ),
    Bug(
        "a cancelled order is routed on",
        "The order is to end. The quantity that an exchange gives back is sent elsewhere.",
        "A canceled order is filled.",
        (Edit(routing.next_step, "if order.ending is not None:", "if False:"),),
    ),
    Bug(
        "refused children not recalled",
        "An order with a refused execution ends, and its exchange is not told.",
        "The exchange executes an order that our books have closed.",
        (
            Edit(
                RouteOrder.proceed,
                "recalled, answered = self._recall_refused(order)",
                "recalled, answered = order, True",
            ),
        ),
    ),
    Bug(
        "an unanswered recall taken for done",
        "An order with a refused execution ends although its exchange did not answer the recall.",
        "Later executions are refused. The books still show shares that were sold.",
        (
            Edit(
                RouteOrder.proceed,
                "if not answered:",
                "if False:",
            ),
        ),
    ),
    Bug(
        "a given-up message rejects its order",
        "An order whose message cannot be handled is rejected even if an exchange has the order.",
        "The exchange fills an order that our books have closed.",
        (
            Edit(
                GiveUpOrder.__call__,
                "if order.status is OrderStatus.VALIDATED:",
                "if order.is_open:",
            ),
        ),
    ),
    Bug(
        "clearing is left to the first run",
        "No run is started for an order that ends after its first run has ended.",
        "Trades of orders that rested never settle.",
        (Edit(ContinueWorkflow.__call__, "if not order.awaits_clearing:", "if True:"),),
    ),
    Bug(
        "a run is trusted without a limit of time",
        "A worker relies on a run, however long ago the order was accepted.",
        "None.",
        (
            Edit(
                ContinueWorkflow.__call__,
                "elif not is_watched(order, self.clock()):",
                "elif False:",
            ),
        ),
        tolerated="The sweeper has the order cleared a minute later.",
    ),
    Bug(
        "a refused start is an error",
        "The worker does not send the clearing message itself if no run starts.",
        "None.",
        (
            Edit(
                ContinueWorkflow._clear,
                "self.mailboxes.clearing(order_messages.clear(order))",
                "raise",
            ),
        ),
        tolerated="The message comes again, and then the sweeper has the order cleared.",
    ),
    Bug(
        "a stop beside the client's own order",
        "An order goes to exchanges where the client's orders on the other side rest.",
        "When the stop is elected, the client trades with itself.",
        (Edit(RouteOrder._own_exchanges, "if opponents", "if False"),),
    ),
)
