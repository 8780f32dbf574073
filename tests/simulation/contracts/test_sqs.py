"""SQS: FIFO queues as AWS documents them.

The simulated service, moto and the local AWS are compared.
"""

import time
from collections.abc import Iterator
from uuid import uuid4

import boto3
import pytest
import time_machine

from local.aws_client import aws_client
from tests.simulation.boto import simulated_client
from tests.simulation.contracts.backends import BACKENDS, without
from tests.simulation.contracts.queues import Backend, Simulated, bodies, create_queue

WINDOW = 3
"""Seconds for which a message stays hidden while a test makes two calls of milliseconds each."""
MOTO_REDELIVERS_THE_LAST = "after a visibility timeout only the last message of a group comes again"
MOTO_FORGETS_GROUPS = "a group opens as soon as any of its messages is back"
LOCAL_KNOWS_NO_EXPIRY = "a receipt handle stays good until the message is received again"
ANY_GROUP_ID = "takes a group id of any characters"
FIVE_MINUTES = "would take five minutes: its clock is the real one"


@pytest.fixture(params=BACKENDS)
def aws(request: pytest.FixtureRequest) -> Iterator[Backend]:
    if request.param == "simulated":
        world = Simulated()
        yield Backend(
            simulated_client("sqs", world.sqs, validate=True), world.wait, world.sqs.create_queue
        )
    elif request.param == "moto":
        request.getfixturevalue("moto_aws")
        with time_machine.travel(1_800_000_000.0, tick=False) as clock:
            client = boto3.client("sqs")
            yield Backend(
                client, clock.shift, lambda name, **options: create_queue(client, name, **options)
            )
    else:
        client = aws_client(request.getfixturevalue("local_aws"), "sqs")
        yield Backend(
            client, time.sleep, lambda name, **options: create_queue(client, name, **options)
        )


@pytest.fixture
def url(aws: Backend) -> str:
    """The URL of a mailbox."""
    return aws.create(f"{uuid4()}.fifo")


def test_a_group_comes_in_the_order_in_which_it_was_sent_several_at_once(
    aws: Backend, url: str
) -> None:
    for number in range(4):
        aws.send(url, f"a{number}", "A")
    assert bodies(aws.receive(url, 3)) == ["a0", "a1", "a2"]


def test_a_group_is_closed_while_any_of_it_is_in_flight_and_others_are_not(
    aws: Backend, url: str
) -> None:
    for body in ("a0", "a1", "b0"):
        aws.send(url, body, body[0])
    [first] = aws.receive(url, 1)
    assert first["Body"] == "a0"
    assert bodies(aws.receive(url)) == ["b0"]
    assert aws.receive(url) == []
    aws.delete(url, first)
    assert bodies(aws.receive(url)) == ["a1"]


def test_what_was_sent_while_a_group_is_closed_waits(aws: Backend, url: str) -> None:
    aws.send(url, "a0")
    [first] = aws.receive(url)
    aws.send(url, "a1")
    assert aws.receive(url) == []
    aws.delete(url, first)
    assert bodies(aws.receive(url)) == ["a1"]


def test_a_group_stays_closed_until_the_last_of_a_batch_is_deleted(aws: Backend, url: str) -> None:
    for body in ("a0", "a1", "a2"):
        aws.send(url, body)
    first, second = aws.receive(url, 2)
    aws.delete(url, first)
    assert aws.receive(url) == []
    aws.delete(url, second)
    assert bodies(aws.receive(url)) == ["a2"]


@without(moto=MOTO_FORGETS_GROUPS)
def test_a_group_stays_closed_for_what_is_out_behind_what_is_back(aws: Backend, url: str) -> None:
    for body in ("a0", "a1", "a2"):
        aws.send(url, body)
    first, second, third = aws.receive(url)
    aws.client.change_message_visibility(
        QueueUrl=url, ReceiptHandle=first["ReceiptHandle"], VisibilityTimeout=0
    )
    aws.delete(url, second)
    assert aws.receive(url) == []
    aws.delete(url, third)
    assert bodies(aws.receive(url)) == ["a0"]


@without(moto=MOTO_REDELIVERS_THE_LAST)
def test_after_the_visibility_timeout_all_of_the_group_comes_again_in_order(aws: Backend) -> None:
    url = aws.create(f"{uuid4()}.fifo", visibility_timeout=WINDOW)
    for body in ("a0", "a1", "a2", "a3"):
        aws.send(url, body)
    first, *_ = aws.receive(url, 3)
    aws.delete(url, first)
    aws.wait(WINDOW + 0.1)
    again = aws.receive(url)
    assert bodies(again) == ["a1", "a2", "a3"]
    assert [message["Attributes"]["ApproximateReceiveCount"] for message in again] == [
        "2",
        "2",
        "1",
    ]


def test_a_receive_may_set_its_own_visibility_timeout(aws: Backend, url: str) -> None:
    aws.send(url, "a0")
    assert bodies(aws.receive(url, VisibilityTimeout=WINDOW)) == ["a0"]
    assert aws.receive(url) == []
    aws.wait(WINDOW + 0.1)
    assert bodies(aws.receive(url)) == ["a0"]


@without(moto=MOTO_FORGETS_GROUPS)
def test_a_failed_batch_comes_again_when_the_last_of_it_is_back(aws: Backend, url: str) -> None:
    for body in ("a0", "a1"):
        aws.send(url, body)
    entries = [
        {
            "Id": str(number),
            "ReceiptHandle": message["ReceiptHandle"],
            "VisibilityTimeout": number * WINDOW,
        }
        for number, message in enumerate(aws.receive(url))
    ]
    answer = aws.client.change_message_visibility_batch(QueueUrl=url, Entries=entries)
    assert [done["Id"] for done in answer["Successful"]] == ["0", "1"]
    assert not answer.get("Failed")
    assert aws.receive(url) == []
    aws.wait(WINDOW + 0.1)
    assert bodies(aws.receive(url)) == ["a0", "a1"]


def test_a_visibility_timeout_may_be_ended_at_once(aws: Backend, url: str) -> None:
    aws.send(url, "a0")
    [message] = aws.receive(url)
    aws.client.change_message_visibility(
        QueueUrl=url, ReceiptHandle=message["ReceiptHandle"], VisibilityTimeout=0
    )
    aws.wait(0.01)
    [again] = aws.receive(url)
    assert again["ReceiptHandle"] != message["ReceiptHandle"]
    assert again["MessageId"] == message["MessageId"]


@without(local=LOCAL_KNOWS_NO_EXPIRY, moto="an expired receipt handle deletes")
def test_an_expired_receipt_handle_deletes_and_changes_nothing(aws: Backend, url: str) -> None:
    aws.send(url, "a0")
    [message] = aws.receive(url, VisibilityTimeout=1)
    aws.wait(1.1)
    expired = {"QueueUrl": url, "ReceiptHandle": message["ReceiptHandle"]}
    assert aws.refused("delete_message", **expired) == "InvalidParameterValue"
    assert (
        aws.refused("change_message_visibility", **expired, VisibilityTimeout=9)
        == "InvalidParameterValue"
    )
    assert bodies(aws.receive(url)) == ["a0"]
    assert aws.refused("delete_message", **expired) == "InvalidParameterValue"


@without(local="refuses the receipt handle of what is deleted")
def test_a_message_may_be_deleted_twice(aws: Backend, url: str) -> None:
    aws.send(url, "a0")
    [message] = aws.receive(url)
    aws.delete(url, message)
    aws.delete(url, message)
    assert aws.receive(url) == []


def test_an_unknown_receipt_handle_is_refused(aws: Backend, url: str) -> None:
    with pytest.raises(aws.client.exceptions.ReceiptHandleIsInvalid):
        aws.client.delete_message(QueueUrl=url, ReceiptHandle="nobody's")


@without(moto="forgets the deduplication id with the message")
def test_a_duplicate_is_answered_as_the_first_and_not_delivered_even_when_that_is_consumed(
    aws: Backend, url: str
) -> None:
    first = aws.send(url, "a0", "A", "once")
    [message] = aws.receive(url)
    aws.delete(url, message)
    second = aws.send(url, "something else", "A", "once")
    assert second["MessageId"] == first["MessageId"] == message["MessageId"]
    assert (
        second["SequenceNumber"]
        == first["SequenceNumber"]
        == message["Attributes"]["SequenceNumber"]
    )
    assert aws.receive(url) == []


@without(local=FIVE_MINUTES)
def test_the_deduplication_window_is_five_minutes_from_the_first_send(
    aws: Backend, url: str
) -> None:
    aws.send(url, "a0", "A", "once")
    aws.wait(200)
    aws.send(url, "a1", "A", "once")
    aws.wait(101)
    aws.send(url, "a2", "A", "once")
    assert bodies(aws.receive(url)) == ["a0", "a2"]


@without(moto="looks for duplicates in all groups, whatever the queue's scope")
def test_with_high_throughput_duplicates_are_those_of_a_group(aws: Backend, url: str) -> None:
    aws.send(url, "x", "A", "once")
    aws.send(url, "x", "B", "once")
    assert bodies(aws.receive(url)) == ["x", "x"]


def test_without_high_throughput_duplicates_are_those_of_the_queue(aws: Backend) -> None:
    url = aws.create(f"{uuid4()}.fifo", high_throughput=False)
    aws.send(url, "x", "A", "once")
    aws.send(url, "x", "B", "once")
    assert bodies(aws.receive(url)) == ["x"]


def test_without_an_id_equal_bodies_are_duplicates_or_the_queue_asks_for_one(
    aws: Backend, url: str
) -> None:
    for body in ("same", "same", "other"):
        aws.client.send_message(QueueUrl=url, MessageBody=body, MessageGroupId="A")
    assert bodies(aws.receive(url)) == ["same", "other"]
    strict = aws.create(f"{uuid4()}.fifo", content_based_deduplication=False)
    message = {"QueueUrl": strict, "MessageBody": "same", "MessageGroupId": "A"}
    assert aws.refused("send_message", **message) == "InvalidParameterValue"


def test_what_is_received_too_often_goes_to_the_dead_letter_queue_as_it_is(aws: Backend) -> None:
    name = str(uuid4())
    dead_letters = aws.create(f"{name}-dlq.fifo")
    url = aws.create(f"{name}.fifo", dead_letter_queue=f"{name}-dlq.fifo", max_receive_count=2)
    why = {"why": {"DataType": "String", "StringValue": "test"}}
    sent = aws.send(url, "poison", "A", MessageAttributes=why)
    for _ in range(2):
        assert bodies(aws.receive(url, 1, VisibilityTimeout=0)) == ["poison"]
    aws.send(url, "healthy", "A")
    assert bodies(aws.receive(url)) == ["healthy"]
    [dead] = aws.receive(dead_letters)
    assert (dead["MessageId"], dead["Body"]) == (sent["MessageId"], "poison")
    assert dead["Attributes"]["MessageGroupId"] == "A"
    assert dead["MessageAttributes"] == why


def test_a_queue_may_delay(aws: Backend) -> None:
    url = aws.create(f"{uuid4()}.fifo", delay_seconds=WINDOW)
    aws.send(url, "later")
    assert aws.receive(url) == []
    aws.wait(WINDOW + 0.1)
    assert bodies(aws.receive(url)) == ["later"]


@without(moto=ANY_GROUP_ID, local=ANY_GROUP_ID)
def test_a_group_id_is_printable_ascii_without_spaces(aws: Backend, url: str) -> None:
    for group in ("two words", "é", "g" * 129):
        message = {"QueueUrl": url, "MessageBody": "x", "MessageGroupId": group}
        assert aws.refused("send_message", **message) == "InvalidParameterValue", group


def test_a_fifo_queue_asks_for_a_group_and_takes_no_delay(aws: Backend, url: str) -> None:
    assert aws.refused("send_message", QueueUrl=url, MessageBody="x") == "MissingParameter"
    message = {"QueueUrl": url, "MessageBody": "x", "MessageGroupId": "A", "DelaySeconds": 5}
    assert aws.refused("send_message", **message) == "InvalidParameterValue"


def test_a_message_has_at_most_one_mebibyte(aws: Backend, url: str) -> None:
    message = {"QueueUrl": url, "MessageGroupId": "A"}
    assert (
        aws.refused("send_message", **message, MessageBody="x" * 1_048_577)
        == "InvalidParameterValue"
    )


@without(moto="refuses the whole batch for one entry")
def test_each_entry_of_a_batch_succeeds_or_fails_by_itself(aws: Backend, url: str) -> None:
    entries = [
        {"Id": str(number), "MessageBody": f"m{number}", "MessageGroupId": "A"}
        for number in range(3)
    ]
    del entries[1]["MessageGroupId"]
    answer = aws.client.send_message_batch(QueueUrl=url, Entries=entries)
    assert [done["Id"] for done in answer["Successful"]] == ["0", "2"]
    assert [(failed["Id"], failed["SenderFault"]) for failed in answer["Failed"]] == [("1", True)]
    received = aws.receive(url)
    assert bodies(received) == ["m0", "m2"]
    handles = [message["ReceiptHandle"] for message in received] + ["nobody's"]
    deletions = [
        {"Id": str(number), "ReceiptHandle": handle} for number, handle in enumerate(handles)
    ]
    answer = aws.client.delete_message_batch(QueueUrl=url, Entries=deletions)
    assert [done["Id"] for done in answer["Successful"]] == ["0", "1"]
    assert [failed["Id"] for failed in answer["Failed"]] == ["2"]


def test_a_batch_has_one_to_ten_entries_with_ids_of_their_own(aws: Backend, url: str) -> None:
    def send(*ids: str) -> None:
        entries = [{"Id": number, "MessageBody": "x", "MessageGroupId": "A"} for number in ids]
        aws.client.send_message_batch(QueueUrl=url, Entries=entries)

    exceptions = aws.client.exceptions
    for ids, refusal in (
        ((), exceptions.EmptyBatchRequest),
        (tuple("0123456789a"), exceptions.TooManyEntriesInBatchRequest),
        (("1", "1"), exceptions.BatchEntryIdsNotDistinct),
    ):
        with pytest.raises(refusal):
            send(*ids)


def test_ten_messages_are_the_most(aws: Backend, url: str) -> None:
    too_many = {"QueueUrl": url, "MaxNumberOfMessages": 11}
    assert aws.refused("receive_message", **too_many) == "InvalidParameterValue"


def test_only_what_is_asked_for_comes_with_a_message(aws: Backend, url: str) -> None:
    numbers = {name: {"DataType": "Number", "StringValue": "1"} for name in ("one", "uno")}
    aws.send(url, "x", MessageAttributes=numbers)
    [bare] = aws.receive(url, AttributeNames=[], MessageAttributeNames=[], VisibilityTimeout=0)
    assert not {"Attributes", "MessageAttributes"} & bare.keys()
    [some] = aws.receive(
        url, AttributeNames=["MessageGroupId", "SentTimestamp"], MessageAttributeNames=["uno"]
    )
    assert some["Attributes"].keys() == {"MessageGroupId", "SentTimestamp"}
    assert some["MessageAttributes"].keys() == {"uno"}


def test_a_queue_counts_what_waits_and_what_is_in_flight(aws: Backend, url: str) -> None:
    for body in ("a0", "b0", "b1"):
        aws.send(url, body, body[0])
    aws.receive(url, 1)
    names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible", "FifoQueue"]
    answer = aws.client.get_queue_attributes(QueueUrl=url, AttributeNames=names)
    assert [answer["Attributes"][name] for name in names] == ["2", "1", "true"]


def test_a_purge_deletes_what_is_in_flight_too(aws: Backend, url: str) -> None:
    aws.send(url, "a0")
    aws.send(url, "b0", "B")
    aws.receive(url, 1, VisibilityTimeout=1)
    aws.client.purge_queue(QueueUrl=url)
    aws.wait(1.1)
    assert aws.receive(url) == []


@without(local="any number of purges a minute")
def test_a_queue_is_purged_once_a_minute(aws: Backend, url: str) -> None:
    aws.client.purge_queue(QueueUrl=url)
    with pytest.raises(aws.client.exceptions.PurgeQueueInProgress):
        aws.client.purge_queue(QueueUrl=url)
    aws.wait(61)
    aws.client.purge_queue(QueueUrl=url)


def test_queues_are_found_by_name(aws: Backend) -> None:
    prefix = str(uuid4())
    urls = [aws.create(f"{prefix}-{name}") for name in ("one.fifo", "two")]
    assert sorted(aws.client.list_queues(QueueNamePrefix=prefix)["QueueUrls"]) == urls
    assert aws.client.get_queue_url(QueueName=f"{prefix}-two")["QueueUrl"] == urls[1]
    for call in (
        lambda: aws.client.get_queue_url(QueueName=f"{prefix}-three"),
        lambda: aws.receive(f"{urls[1]}-three"),
    ):
        with pytest.raises(aws.client.exceptions.QueueDoesNotExist):
            call()


def test_messages_of_a_standard_queue_do_not_wait_for_each_other(aws: Backend) -> None:
    url = aws.create(str(uuid4()), visibility_timeout=WINDOW)
    for body in ("a", "b"):
        aws.client.send_message(QueueUrl=url, MessageBody=body)
    [first] = aws.receive(url, 1)
    [second] = aws.receive(url, 1)
    assert {first["Body"], second["Body"]} == {"a", "b"}
    aws.delete(url, first)
    aws.wait(WINDOW + 0.1)
    assert bodies(aws.receive(url)) == [second["Body"]]
