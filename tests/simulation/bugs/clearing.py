"""Clearing and settlement."""

from datetime import timedelta

from tests.simulation.bugs.patching import Bug, Constant, Edit
from trading.domain.orders.order import Order
from trading.domain.posttrade import clearing, netting, settlement
from trading.usecases.posttrade import settlement_cycle
from trading.usecases.posttrade.clear_trades import ClearTrades
from trading.usecases.posttrade.settle_obligations import SettleObligations, confirms

CLEARING = "functions.clearing.handler"
BUGS = (
    Bug(
        "answered before clearing",
        "The workflow is answered first, then the order is cleared.",
        "A worker that dies in between leaves trades that count as cleared and never settle.",
        (
            Edit(
                CLEARING,
                "    order = clear_trades(message.order_id)\n    if message.task_token:\n"
                '        workflow.succeed(message.task_token, {"order_id": order.order_id, "status": order.status})\n',
                "    if message.task_token:\n"
                '        workflow.succeed(message.task_token, {"order_id": message.order_id, "status": "CLEARED"})\n'
                "    clear_trades(message.order_id)\n",
            ),
        ),
    ),
    Bug(
        "novation without obligation",
        "A novation is written and the obligation forgotten.",
        "The trade never settles.",
        (
            Edit(
                ClearTrades._commit,
                "for each in (trade.novation, trade.obligation)]",
                "for each in (trade.novation,)]",
            ),
        ),
    ),
    Bug(
        "novations and obligations in two steps",
        "Novations are written first, then obligations and order.",
        "A worker that dies in between leaves trades that count as cleared and never settle.",
        (
            Edit(
                ClearTrades._commit,
                "    self.books.commit(*parts[-1], result.order)\n",
                "    self.books.commit(*parts[-1][::2])\n    self.books.commit(*parts[-1][1::2], result.order)\n",
            ),
            Edit(
                ClearTrades._commit,
                "[changes[start : start + size] for start in starts]",
                "[changes]",
            ),
        ),
    ),
    Bug(
        "order cleared before its trades",
        "The order is moved on first, then its trades.",
        "A worker that dies in between leaves trades that are never cleared.",
        (
            Edit(
                ClearTrades._commit,
                "    self.books.commit(*parts[-1], result.order)\n",
                "    self.books.commit(result.order)\n    self.books.commit(*parts[-1])\n",
            ),
        ),
    ),
    Bug(
        "trades novated again",
        "What is novated already is not left out.",
        "An order that was cleared in part can never be cleared.",
        (
            Edit(
                clearing.unnovated,
                "isinstance(entry, Fill) and entry.trade_id not in novated",
                "isinstance(entry, Fill)",
            ),
        ),
    ),
    Bug(
        "only the first trade is cleared",
        "An order is taken to have one trade.",
        "Every other partial fill never settles.",
        (Edit(clearing.clear, "for fill in fills:", "for fill in fills[:1]:"),),
    ),
    Bug(
        "novation with the wrong sign",
        "A sell is novated like a buy.",
        "What the CCP owes does not net to zero.",
        (Edit(clearing.novate, "sign = fill.side.sign", "sign = 1"),),
    ),
    Bug(
        "obligation with fees",
        "The obligation's amount includes the exchange's fee.",
        "The depository is told another amount than the counterparty.",
        (Edit(netting.obligation_of, "amount=fill.notional", "amount=fill.client_amount"),),
    ),
    Bug(
        "net position without this trade",
        "The net position is computed before the trade is added.",
        "Clients and regulators are shown a wrong net obligation.",
        (Edit(clearing.clear, "        known.append(obligation)\n", ""),),
    ),
    Bug(
        "FAILED taken as SETTLED",
        "Any confirmation of the depository counts as settled.",
        "The client has money or shares that were never delivered.",
        (
            Edit(
                SettleObligations._settle,
                "if confirmation.status is not ConfirmationStatus.SETTLED:",
                "if False:",
            ),
        ),
    ),
    Bug(
        "mismatched confirmation accepted",
        "A confirmation is believed whatever it confirms.",
        "The depository moved another amount than we booked.",
        (Edit(confirms, "return all(", "return True or all("),),
    ),
    Bug(
        "booked without asking the depository",
        "An instruction without an answer counts as settled.",
        "The client has money or shares that were never delivered.",
        (
            Edit(
                SettleObligations._attempt,
                "        return _Attempt.UNANSWERED\n",
                '        self._book(obligation, SettlementConfirmation.model_construct(confirmation_id="", settlement_date=obligation.settlement_date))\n'
                "        return _Attempt.SETTLED\n",
            ),
        ),
    ),
    Bug(
        "obligation kept",
        "Settling does not take the obligation off the books.",
        "It is due again tomorrow, and for ever.",
        (Edit(SettleObligations._book, "        Discharged(obligation=obligation),\n", ""),),
    ),
    Bug(
        "settlement separate from its discharge",
        "The settlement is written first, then account, position and order.",
        "A worker that dies in between leaves the proceeds of a sale unavailable for ever.",
        (
            Edit(
                SettleObligations._book,
                "    self.books.commit(\n        done.settlement,\n",
                "    self.books.commit(done.settlement)\n    self.books.commit(\n",
            ),
        ),
    ),
    Bug(
        "settlement not booked again after a lost answer",
        "That a trade is settled is looked up in the order, which does not know it.",
        "None.",
        (
            Edit(
                SettleObligations._book,
                "if any(isinstance(entry, Settlement) for entry in entries):",
                "if False:",
            ),
        ),
        tolerated="a settlement is created once, and its obligation is gone with it",
    ),
    Bug(
        "settled quantity counted twice",
        "An order that is cleared after some of its trades settled counts them again.",
        "The order is shown as settled before it is.",
        (
            Edit(
                Order.cleared, "order.settled(0, now)", "order.settled(order.settled_quantity, now)"
            ),
        ),
    ),
    Bug(
        "settlement id of the day",
        "A settlement instruction's id has the settlement day in it, not only the trade.",
        "An instruction that is repeated a day later is settled twice.",
        (
            Edit(
                SettleObligations._settle,
                "instruction = instruction_for(obligation, client)\n",
                "instruction = instruction_for(obligation, client)\n"
                '    again = f"{instruction.instruction_id}-{self.clock():%d%H}"\n'
                '    instruction = instruction.model_copy(update={"instruction_id": again})\n',
            ),
        ),
    ),
    Bug(
        "what did not settle is not tried again",
        "A cycle settles what is due on its own day.",
        "None.",
        (Constant(settlement_cycle, "LOOK_BACK", timedelta(0)),),
        tolerated="a client's settlement is tried again on its day until it succeeds, and redriven if it was given up",
    ),
    Bug(
        "settled before it is due",
        "By hand, a trade settles whenever asked for.",
        "Delivery is instructed a day before the counterparty is bound to it.",
        (
            Edit(
                SettleObligations.settle_trade,
                "if obligation.settlement_date > as_of:",
                "if False:",
            ),
        ),
    ),
    Bug(
        "loan not repaid",
        "The proceeds of a sale become available without repaying what was drawn.",
        "Loans grow and are never paid back.",
        (
            Edit(
                settlement.discharge,
                "repaid = min(account.credit_used, proceeds, free)",
                "repaid = ZERO",
            ),
        ),
    ),
    Bug(
        "proceeds stay unsettled",
        "A settled sale's proceeds become available and stay unsettled, too.",
        "The client has the money twice.",
        (Edit(settlement.discharge, "unsettled=-proceeds, ", ""),),
    ),
    Bug(
        "bought shares stay unsettled",
        "Settling does not mark the shares as received.",
        "The position shows shares as undelivered for ever.",
        (Edit(settlement.discharge, "position.settled(fill.side, fill.quantity)", "position"),),
    ),
)
