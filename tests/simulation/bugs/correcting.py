"""Corrections and busts of executions."""

from tests.simulation.bugs.patching import Bug, Edit
from trading.adapters.dynamodb import ledger as table_ledger
from trading.domain.accounts import advances
from trading.domain.orders import order as orders
from trading.domain.posttrade import clearing, correction_entries, corrections, settlement
from trading.domain.posttrade.correction_entries import ReversedTrade
from trading.usecases.administration.close_advance import CloseAdvance
from trading.usecases.execution import book_execution
from trading.usecases.execution.book_execution import BookExecution
from trading.usecases.execution.correct_execution import CorrectExecution
from trading.usecases.posttrade.clear_trades import ClearTrades

BUGS = (
    Bug(
        "a correction counts as a second trade",
        "A corrected execution is booked like a new one. The first is not reversed.",
        "The client has both trades.",
        (
            Edit(
                book_execution._fill_in,
                "if report.exec_type is not ExecType.TRADE:",
                "if report.exec_type not in (ExecType.TRADE, ExecType.TRADE_CORRECT):",
            ),
            Edit(
                book_execution._correction_in,
                "if report.exec_type not in (ExecType.TRADE_CORRECT, ExecType.TRADE_CANCEL):",
                "if report.exec_type is not ExecType.TRADE_CANCEL:",
            ),
        ),
    ),
    Bug(
        "busts ignored",
        "The books do not know busts.",
        "The client keeps a trade that never was.",
        (
            Edit(
                book_execution._correction_in,
                "if report.exec_type not in (ExecType.TRADE_CORRECT, ExecType.TRADE_CANCEL):",
                "if report.exec_type is not ExecType.TRADE_CORRECT:",
            ),
            Edit(BookExecution.state, "for bust in state.busts:", "for bust in ():"),
        ),
    ),
    Bug(
        "the fee of a busted trade is kept",
        "A reversal does not give back the fee.",
        "The client pays a fee for nothing.",
        (
            Edit(correction_entries.reversal_of, "fees=-fill.fees,", "fees=ZERO,"),
            Edit(
                correction_entries.reversal_of,
                "ledger.fees_account(fill.exchange_id), client, fill.fees",
                "ledger.fees_account(fill.exchange_id), client, 0",
            ),
        ),
    ),
    Bug(
        "the obligation of a busted trade stays",
        "The obligation of a trade that was taken back is not removed.",
        "The depository settles a trade that is void.",
        (
            Edit(
                corrections.correct,
                "obligation_of(fill) if trade.novated and not settles else None",
                "None",
            ),
        ),
    ),
    Bug(
        "a settled trade is taken back without a delivery",
        "The reversal of a settled trade creates no obligation.",
        "The depository still has the shares where the void trade brought them.",
        (
            Edit(
                corrections.correct,
                "created = [obligation_of(reversal)] if settles else []",
                "created = []",
            ),
        ),
    ),
    Bug(
        "an obligation is replaced on its settlement date",
        "A trade counts as final only once it is settled.",
        "An instruction may be at the depository already.",
        (
            Edit(
                ReversedTrade.is_final,
                "return due or self.settlement is not None",
                "return self.settlement is not None",
            ),
        ),
    ),
    Bug(
        "a bust of an unknown execution is booked",
        "A bust takes back the latest trade of the order if it names none.",
        "A trade that stands is taken back.",
        (
            Edit(
                CorrectExecution.__call__,
                "entries = self.books.entries([trade_id])",
                "entries = self.books.entries([trade_id]) or self.books.entries(order.trades[-1:])",
            ),
        ),
    ),
    Bug(
        "a correction before its execution is dropped",
        "A correction of an execution that is not booked yet is not parked.",
        "The correction is never booked.",
        (Edit(CorrectExecution._unknown, "if correction in order.parked:", "if True:"),),
        pending="Reports of corrections that overtake their execution, and are not asked for. Unit "
        "tests have them.",
    ),
    Bug(
        "busted shares go back to the market",
        "The shares of a busted execution count as not executed.",
        "They are bought again, without a hold.",
        (
            Edit(
                orders.Order.trade_corrected,
                "self.busted_quantity + change.executed - change.filled",
                "self.busted_quantity",
            ),
        ),
    ),
    Bug(
        "a reversed trade is cleared",
        "Clearing does not look at reversals.",
        "The CCP expects a delivery for a trade that is void.",
        (Edit(clearing.unnovated, "done.update(order.reversed_trades)", "pass"),),
    ),
    Bug(
        "trades of an open order are cleared without a fence",
        "Clearing an open order does not write the order.",
        "A trade that is busted at the same moment is cleared all the same.",
        (
            Edit(
                ClearTrades._commit,
                "self.books.commit(*parts[-1], order)",
                "self.books.commit(*parts[-1])",
            ),
            Edit(ClearTrades._commit, "return order.saved()", "return order"),
        ),
        pending="A bust and the clearing of an open order at the same moment. A unit test has it.",
    ),
    Bug(
        "a settled reversal counts for the order",
        "The order counts the shares of a reversal as settled.",
        "An order shows more shares settled than it has.",
        (
            Edit(
                settlement.settle,
                "isinstance(fill, Fill) and fill.trade_id not in order.reversed_trades",
                "True",
            ),
        ),
    ),
    Bug(
        "the loan of a busted purchase stays",
        "A busted purchase does not give back the loan that it drew.",
        "The client owes a loan for shares that it does not have.",
        (Edit(corrections._cash, "repaid = min(fill.drawn, account.credit_used)", "pass"),),
    ),
    Bug(
        "an advance that is not paid back stays open",
        "What the broker writes off of an advance is not posted.",
        "The error account goes on claiming what nobody will pay.",
        (
            Edit(
                advances._entry,
                "ledger.transfer(reversal.symbol, ledger.WRITE_OFFS, ledger.ERROR, lost_shares)",
                "ledger.transfer(reversal.symbol, ledger.WRITE_OFFS, ledger.ERROR, 0)",
            ),
        ),
    ),
    Bug(
        "shares pay an advance back and keep their cost",
        "Shares that are paid back leave without their part of the cost basis.",
        "The client's remaining shares look dearer than they were.",
        (
            Edit(
                advances.close_advance,
                "cost = proportional(position.cost_basis, shares, position.quantity)",
                "cost = ZERO",
            ),
        ),
    ),
    Bug(
        "an advance is closed with shares that are still to come",
        "Shares that pay an advance back need not be received.",
        "The depository has not got what the error account was given.",
        (
            Edit(
                advances.close_advance,
                'check_shares_may_leave(account, position, shares, "repaid_shares")',
                "pass",
            ),
        ),
    ),
    Bug(
        "any closure of a closed advance is its closure",
        "The repetition of a closure is not compared with what was booked.",
        "An operator believes that the client paid what it did not pay.",
        (
            Edit(
                CloseAdvance._decide,
                "if not closure.is_of(known):",
                "if False:",
            ),
        ),
    ),
    Bug(
        "a reversal is no trade at settlement",
        "The entries of a reversal are looked for under the kinds of a trade.",
        "A reversal is never settled.",
        (
            Edit(
                table_ledger.TableLedger.entries,
                "REVERSAL_KINDS if identifiers.is_reversal(trade_id) else TRADE_KINDS",
                "TRADE_KINDS",
            ),
        ),
    ),
)
