"""Mailboxes, their workers, and workflows."""

from tests.simulation.bugs.patching import Bug, Edit
from tests.simulation.workflows import text_of
from trading.adapters.messaging.mailbox_worker import MailboxWorker
from trading.adapters.messaging.mailboxes import SqsMailboxes
from trading.adapters.messaging.workflow import OrderLifecycle
from trading.usecases.execution.handle_execution_message import HandleExecutionMessage


def _in_lifecycle(old: str, new: str) -> Edit:
    """Change the definition of OrderLifecycle. `old` occurs in it exactly once."""
    if text_of("order_lifecycle").count(old) != 1:
        raise ValueError(f"OrderLifecycle does not have {old} once")
    return Edit(text_of, "read_text()", f"read_text().replace({old!r}, {new!r})")


BUGS = (
    Bug(
        "exceptions swallowed",
        "An error in handling a message is logged, and the message is deleted.",
        "An order whose message failed once is not executed.",
        (Edit(MailboxWorker._retry_or_give_up, "        raise error\n", "        return\n"),),
    ),
    Bug(
        "failures not reported",
        "The handler answers without batchItemFailures.",
        "SQS deletes failed messages, so their orders are not executed.",
        (Edit(MailboxWorker.__call__, "return response", 'return {"batchItemFailures": []}'),),
    ),
    Bug(
        "a group goes on over a failure",
        "After a failed message, the later messages of its group are handled first.",
        "None.",
        (Edit(MailboxWorker.__init__, "skip_group_on_error=True", "skip_group_on_error=False"),),
        tolerated=(
            "Whichever of a client's orders is handled first sends the client's earlier "
            "orders before it."
        ),
    ),
    Bug(
        "a lost race buries the message",
        "Every domain error counts as permanent, even one that asks for a retry.",
        "Orders are rejected because two workers met.",
        (Edit(MailboxWorker._handle_record, "if is_transient(error):", "if False:"),),
    ),
    Bug(
        "given-up messages are dropped",
        "A message that cannot succeed is not moved to the DLQ.",
        "None.",
        (
            Edit(
                MailboxWorker._move_to_dlq,
                "    self._sqs.send_message(\n",
                "    dict(\n",
            ),
        ),
        tolerated=(
            "The message's order is flagged or rejected, and the sweeper checks the order itself."
        ),
    ),
    Bug(
        "a mailbox an order",
        "The message group is the order's id, not the client's.",
        "None.",
        (
            Edit(
                SqsMailboxes._send,
                "MessageGroupId=message.client_id",
                'MessageGroupId=getattr(message, "order_id", message.client_id)',
            ),
        ),
        tolerated=(
            "Each worker sends the client's earlier orders first. A worker that finds a "
            "newer version starts over."
        ),
    ),
    Bug(
        "redelivery ignored",
        "A message that another worker may have begun is handled like a new one.",
        "The work of a dead worker stays half-done until the sweeper comes. Later orders "
        "overtake it.",
        (
            Edit(
                MailboxWorker._handle_record,
                "self._handle(message, context, _begun_before(record))",
                "self._handle(message, context, False)",
            ),
        ),
    ),
    Bug(
        "lost races handled like new messages",
        "After a lost race, a message is handled again as if none of its work had been done.",
        "None.",
        (
            Edit(
                HandleExecutionMessage.__call__,
                "on_fresh_state(self._handle)(message, True, deadline)",
                "on_fresh_state(self._handle)(message, False, deadline)",
            ),
        ),
        tolerated="The sweeper polls routed orders and sends again what an exchange does not know.",
    ),
    Bug(
        "pushes deduplicated for five minutes",
        "The deduplication id of a message is derived from its body alone.",
        "None.",
        (
            Edit(
                SqsMailboxes._deduplication_id,
                'f"{minute}#{message.model_dump_json()}"',
                "message.model_dump_json()",
            ),
        ),
        tolerated="The sweeper comes again after SQS has forgotten the first push.",
    ),
    Bug(
        "no deduplication",
        "Every message has its own deduplication id.",
        "None.",
        (
            Edit(
                SqsMailboxes._send,
                "MessageDeduplicationId=self._deduplication_id(message)",
                'MessageDeduplicationId=__import__("uuid").uuid4().hex',
            ),
        ),
        tolerated="Handlers expect that any message may come twice.",
    ),
    Bug(
        "runs deduplicated for five minutes",
        "The deduplication id of a run's messages is the order's id alone.",
        "None.",
        (Edit(OrderLifecycle._start, '-{int(now) // 60}"', '"'),),
        tolerated="The sweeper starts another run after SQS has forgotten the first message.",
    ),
    Bug(
        "runs without deduplication",
        "Each start has its own deduplication id.",
        "None.",
        (Edit(OrderLifecycle._start, "{int(now) // 60}", "{now}"),),
        tolerated="Handlers expect that any message may come twice.",
    ),
    Bug(
        "a run looks eventually consistent",
        "A run reads the order without ConsistentRead, at half the price.",
        "None.",
        (_in_lifecycle('"ConsistentRead": true', '"ConsistentRead": false'),),
        tolerated="The run hands the order over, and the sweeper has it cleared a minute later.",
    ),
    Bug(
        "a run clears what has no fill",
        "A run does not check whether anything was executed.",
        "Each canceled order without fills costs a clearing message.",
        (
            _in_lifecycle(
                '"StringEquals": "0", "Next": "Done"', '"StringEquals": "", "Next": "Done"'
            ),
        ),
    ),
    Bug(
        "a run looks until the order is over",
        "A run looks every second and hands nothing over.",
        "The run of each resting order lasts five minutes, a hundred times as long as it should.",
        (_in_lifecycle('"wait_seconds": 2', '"wait_seconds": 1'),),
    ),
    Bug(
        "a run takes back an order that was sent",
        "The cancel of a run that could not send an order counts although the sweeper had it sent.",
        "After a short outage of SQS, orders that rest at an exchange are canceled.",
        (
            Edit(
                HandleExecutionMessage._cancel,
                "if message.unless_sent and order.status is not OrderStatus.VALIDATED:",
                "if False:",
            ),
        ),
        exhausted="sqs",
    ),
    Bug(
        "no compensation",
        "A run that cannot send an order does not request its cancel.",
        "None.",
        (_in_lifecycle('"Next": "RequestCancel"', '"Next": "ExecutionFailed"'),),
        tolerated="The sweeper starts another run.",
    ),
)
