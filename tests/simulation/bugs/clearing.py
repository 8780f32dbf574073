"""Clearing and settlement."""

from tests.simulation.bugs.patching import Bug, Edit
from trading.adapters.messaging.mailboxes import SqsMailboxes
from trading.domain.orders.order import Order
from trading.domain.posttrade import clearing, netting, settlement
from trading.usecases.posttrade.clear_trades import ClearTrades
from trading.usecases.posttrade.settle_obligations import SettleObligations, confirms
from trading.usecases.posttrade.settlement_cycle import AskClients, PlanSettlement

BUGS = (
    Bug(
        "novation without obligation",
        "A novation is written without its obligation.",
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
        "Novations are written first, then the obligations and the order.",
        "If a worker dies in between, trades count as cleared and never settle.",
        (
            Edit(
                ClearTrades._commit,
                "    self.books.commit(*parts[-1], cleared)\n",
                "    self.books.commit(*parts[-1][::2])\n"
                "    self.books.commit(*parts[-1][1::2], cleared)\n",
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
        "The order is written first, then its trades.",
        "If a worker dies in between, the trades are never cleared.",
        (
            Edit(
                ClearTrades._commit,
                "    self.books.commit(*parts[-1], cleared)\n",
                "    self.books.commit(cleared)\n    self.books.commit(*parts[-1])\n",
            ),
        ),
    ),
    Bug(
        "trades novated again",
        "Trades that are novated already are not left out.",
        "A partly cleared order can never be cleared.",
        (
            Edit(
                clearing.unnovated,
                "isinstance(entry, Fill) and entry.trade_id not in done",
                "isinstance(entry, Fill)",
            ),
        ),
    ),
    Bug(
        "only the first trade is cleared",
        "Clearing handles only the first trade of an order.",
        "All other partial fills never settle.",
        (Edit(clearing.clear, "for fill in fills:", "for fill in fills[:1]:"),),
    ),
    Bug(
        "novation with the wrong sign",
        "A sell is novated like a buy.",
        "The CCP's obligations do not net to zero.",
        (Edit(clearing.novate, "sign = fill.side.sign", "sign = 1"),),
    ),
    Bug(
        "obligation with fees",
        "The obligation's amount includes the exchange's fee.",
        "The depository and the counterparty are told different amounts.",
        (Edit(netting.obligation_of, "amount=fill.notional", "amount=fill.client_amount"),),
    ),
    Bug(
        "net position without this trade",
        "The net position is computed before this trade is added.",
        "Clients and regulators are shown a wrong net obligation.",
        (Edit(clearing.clear, "        known.append(obligation)\n", ""),),
    ),
    Bug(
        "a mismatch not recorded",
        "A confirmation that differs from its instruction is not kept as a break.",
        "Nobody learns that the depository delivered something else.",
        (
            Edit(
                SettleObligations._settle,
                "    self._record_mismatch(obligation, instruction, confirmation)\n",
                "",
            ),
        ),
    ),
    Bug(
        "novation posted to another exchange",
        "The CCP takes over from one exchange, whichever executed the trade.",
        "What each exchange owes is wrong, and only the sum is right.",
        (
            Edit(
                clearing.novate,
                "ledger.exchange_account(fill.exchange_id)",
                'ledger.exchange_account("XNYS")',
            ),
        ),
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
        "A confirmation is accepted without comparing it with the instruction.",
        "The depository moved another amount than we booked.",
        (Edit(confirms, "return all(", "return True or all("),),
    ),
    Bug(
        "booked without asking the depository",
        "An unanswered instruction counts as settled.",
        "The client has money or shares that were never delivered.",
        (
            Edit(
                SettleObligations._attempt,
                "        return _Attempt.UNANSWERED\n",
                "        self._book(obligation, "
                'SettlementConfirmation.model_construct(confirmation_id="", '
                "settlement_date=obligation.settlement_date))\n"
                "        return _Attempt.SETTLED\n",
            ),
        ),
    ),
    Bug(
        "obligation kept",
        "Settling does not delete the obligation.",
        "The obligation is due again every day.",
        (Edit(SettleObligations._book, "        Discharged(obligation=obligation),\n", ""),),
    ),
    Bug(
        "settlement separate from its discharge",
        "The settlement is written first, then the account, the position and the order.",
        "If a worker dies in between, the proceeds of a sale are never available.",
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
        "The ledger is not asked whether the trade is settled already.",
        "None.",
        (
            Edit(
                SettleObligations._book,
                "if any(isinstance(entry, Settlement) for entry in entries):",
                "if False:",
            ),
        ),
        tolerated="A settlement is created once, and its obligation is deleted with it.",
    ),
    Bug(
        "settled quantity counted twice",
        "If an order is cleared after some of its trades settled, these count again.",
        "The order is shown as settled too early.",
        (
            Edit(
                Order.cleared, "order.settled(0, now)", "order.settled(order.settled_quantity, now)"
            ),
        ),
    ),
    Bug(
        "settlement id of the day",
        "The id of a settlement instruction contains the day, not only the trade.",
        "An instruction that is repeated a day later settles twice.",
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
        "A cycle settles only the obligations of its own day.",
        "What is late for the cycle of its settlement date never settles.",
        (Edit(PlanSettlement.__call__, "first = day - LOOK_BACK", "first = day"),),
    ),
    Bug(
        "clients asked for the oldest date alone",
        "The settlement plan asks clients to settle up to the oldest date that is due.",
        "One trade that the depository fails keeps all later ones from settling.",
        (
            Edit(
                AskClients.__call__,
                "clients, page.settlement_date, correlation_id",
                "clients, page.due_since or page.settlement_date, correlation_id",
            ),
        ),
    ),
    Bug(
        "refused messages of a batch count as sent",
        "The answer to a batch is not read, although SQS refuses single messages of it.",
        "These clients are not asked to settle.",
        (
            Edit(
                SqsMailboxes._refused,
                'return [batch[int(entry["Id"])] for entry in answer.get("Failed", ())]',
                "return []",
            ),
        ),
        tolerated="Each cycle asks for all that is still due, and there are two an evening.",
    ),
    Bug(
        "settled before it is due",
        "Settlement by hand ignores the settlement date.",
        "Delivery is instructed a day before the counterparty has to deliver.",
        (
            Edit(
                SettleObligations.settle_trade,
                "if obligation.settlement_date > today:",
                "if False:",
            ),
        ),
    ),
    Bug(
        "loan not repaid",
        "The proceeds of a sale become available without repaying the loan.",
        "Loans grow and are never repaid.",
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
        "The proceeds of a settled sale become available and stay unsettled as well.",
        "The client has the money twice.",
        (Edit(settlement.discharge, "unsettled=-proceeds, ", ""),),
    ),
    Bug(
        "bought shares stay unsettled",
        "Settling does not mark the shares as received.",
        "The position shows the shares as undelivered for ever.",
        (Edit(settlement.discharge, "position.settled(fill.side, fill.quantity)", "position"),),
    ),
)
