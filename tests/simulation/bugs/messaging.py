"""Mailboxes, their workers, and workflows."""

from datetime import timedelta

from tests.simulation.bugs.patching import Bug, Constant, Edit
from trading.adapters.messaging import workflow
from trading.adapters.messaging.mailbox_worker import MailboxWorker
from trading.adapters.messaging.mailboxes import SqsMailboxes
from trading.adapters.messaging.workflow import OrderLifecycle
from trading.domain.values import TimeInForce
from trading.usecases.execution.handle_execution_message import HandleExecutionMessage

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
        (Edit(SqsMailboxes._send, 'f"{minute}#{body}"', "body"),),
        tolerated="The sweeper comes again after SQS has forgotten the first push.",
    ),
    Bug(
        "no deduplication",
        "Every message has its own deduplication id.",
        "None.",
        (
            Edit(
                SqsMailboxes._send,
                "MessageDeduplicationId=deduplication_id",
                'MessageDeduplicationId=__import__("uuid").uuid4().hex',
            ),
        ),
        tolerated="Handlers expect that any message may come twice.",
    ),
    Bug(
        "workflows started with the same input",
        "A workflow's input does not contain its start time.",
        "None.",
        (Edit(OrderLifecycle.start, '        "started_at": iso(self.clock()),\n', ""),),
        tolerated=(
            "Only a lost message leaves an order with a workflow and without a message. SQS "
            "loses none."
        ),
    ),
    Bug(
        "an existing workflow is an error",
        "ExecutionAlreadyExists is not caught.",
        "None.",
        (
            Edit(
                OrderLifecycle.start,
                "except self.client.exceptions.ExecutionAlreadyExists:",
                "except KeyError:",
            ),
        ),
        tolerated=(
            "Only a lost message leaves an order with a workflow and without a message. SQS "
            "loses none."
        ),
    ),
    Bug(
        "a used-up token is an error",
        "Answering a workflow that is answered already raises an error.",
        "Messages that come twice end in the DLQ.",
        (
            Edit(
                OrderLifecycle._answer,
                "except (nobody_waits.TaskDoesNotExist, nobody_waits.TaskTimedOut, "
                "nobody_waits.InvalidToken) as error:",
                "except KeyError as error:",
            ),
        ),
    ),
    Bug(
        "DAY orders are given an hour",
        "The workflow waits an hour for a DAY order and then cancels it.",
        "A client's resting order is canceled hours before the close.",
        (
            Constant(
                workflow,
                "EXECUTION_TIMEOUT",
                {**workflow.EXECUTION_TIMEOUT, TimeInForce.DAY: timedelta(hours=1)},
            ),
        ),
    ),
)
