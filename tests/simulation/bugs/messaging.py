"""Mailboxes, their workers, and workflows."""

from datetime import timedelta

from tests.simulation.bugs.patching import Bug, Constant, Edit
from trading.adapters.messaging import workflow
from trading.adapters.messaging.mailboxes import SqsMailboxes
from trading.adapters.messaging.worker import MailboxWorker
from trading.adapters.messaging.workflow import OrderLifecycle
from trading.domain.values import TimeInForce
from trading.usecases.execution.handle_execution_message import HandleExecutionMessage

BUGS = (
    Bug(
        "exceptions swallowed",
        "What a message raises is logged, and the message deleted.",
        "An order whose message failed once is not executed.",
        (Edit(MailboxWorker._retry_or_give_up, "        raise error\n", "        return\n"),),
    ),
    Bug(
        "failures not reported",
        "The handler answers without batchItemFailures.",
        "The same: SQS deletes what failed.",
        (Edit(MailboxWorker.__call__, "return response", 'return {"batchItemFailures": []}'),),
    ),
    Bug(
        "a group goes on over a failure",
        "What follows a failed message in its group is handled before it.",
        "None.",
        (Edit(MailboxWorker.__init__, "skip_group_on_error=True", "skip_group_on_error=False"),),
        tolerated="whichever of a client's orders is handled first sends those that he had sent before it",
    ),
    Bug(
        "a lost race buries the message",
        "Every refusal of a rule counts as permanent, also one that says to try again.",
        "Orders are rejected because two workers met.",
        (Edit(MailboxWorker._handle_record, "if is_transient(error):", "if False:"),),
    ),
    Bug(
        "given-up messages are dropped",
        "A message that cannot succeed is not put into the DLQ.",
        "None.",
        (
            Edit(
                MailboxWorker._move_to_dlq,
                "    self._sqs.send_message(\n",
                "    dict(\n",
            ),
        ),
        tolerated="its order is flagged or rejected, and the sweeper asks about the order itself",
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
        tolerated="each worker sends what the client had sent before, and whoever finds that a version moved on starts over",
    ),
    Bug(
        "redelivery ignored",
        "A message that another worker may have begun is handled like a new one.",
        "What a dead worker left half-done stays so until the sweeper comes; successors overtake it.",
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
        "After a lost race a message is handled again as if nothing of it had been done.",
        "None.",
        (
            Edit(
                HandleExecutionMessage.__call__,
                "on_fresh_state(self._handle)(message, True, deadline)",
                "on_fresh_state(self._handle)(message, False, deadline)",
            ),
        ),
        tolerated="the sweeper polls what is routed, and sends again what an exchange does not know",
    ),
    Bug(
        "pushes deduplicated for five minutes",
        "The deduplication id of a message is its body's hash.",
        "None.",
        (Edit(SqsMailboxes._send, 'f"{minute}#{body}"', "body"),),
        tolerated="the sweeper comes again after SQS has forgotten the first push",
    ),
    Bug(
        "no deduplication",
        "Every message has a deduplication id of its own.",
        "None.",
        (
            Edit(
                SqsMailboxes._send,
                "MessageDeduplicationId=deduplication_id",
                'MessageDeduplicationId=__import__("uuid").uuid4().hex',
            ),
        ),
        tolerated="every message may come twice",
    ),
    Bug(
        "workflows started with the same input",
        "A workflow's input does not say when it was started.",
        "None.",
        (Edit(OrderLifecycle.start, '        "started_at": iso(self.clock()),\n', ""),),
        tolerated="only an order whose message was lost has a workflow and needs a message, and SQS loses none",
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
        tolerated="only an order whose message was lost has a workflow and is not sent, and SQS loses none",
    ),
    Bug(
        "a used-up token is an error",
        "That a workflow has been answered already is raised.",
        "Messages that come twice end in the DLQ.",
        (
            Edit(
                OrderLifecycle._answer,
                "except (nobody_waits.TaskDoesNotExist, nobody_waits.TaskTimedOut, nobody_waits.InvalidToken) as error:",
                "except KeyError as error:",
            ),
        ),
    ),
    Bug(
        "DAY orders are given an hour",
        "The workflow waits an hour for a DAY order, then cancels it.",
        "A client's resting order is cancelled although he wanted it to stand until the close.",
        (
            Constant(
                workflow,
                "EXECUTION_TIMEOUT",
                {**workflow.EXECUTION_TIMEOUT, TimeInForce.DAY: timedelta(hours=1)},
            ),
        ),
    ),
)
