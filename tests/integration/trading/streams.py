"""The streams of the tables, as far as the publisher of events reads them."""

from typing import Any

import boto3

from infra.catalog.tables import STREAMED
from tests.integration.backing import PREFIX
from tests.integration.system import System

Records = list[dict[str, Any]]


class Streams:
    """Begins when it is made. Each record is taken once."""

    def __init__(self, system: System) -> None:
        self.system = system
        self._client: Any = boto3.client("dynamodbstreams")
        for table in STREAMED:
            system.dynamodb.update_table(
                TableName=PREFIX + table,
                StreamSpecification={
                    "StreamEnabled": True,
                    "StreamViewType": "NEW_AND_OLD_IMAGES",
                },
            )
        self._iterators = [self._iterator(PREFIX + table) for table in STREAMED]

    def _iterator(self, table: str) -> str:
        arn = self.system.dynamodb.describe_table(TableName=table)["Table"]["LatestStreamArn"]
        [shard] = self._client.describe_stream(StreamArn=arn)["StreamDescription"]["Shards"]
        iterator: str = self._client.get_shard_iterator(
            StreamArn=arn, ShardId=shard["ShardId"], ShardIteratorType="TRIM_HORIZON"
        )["ShardIterator"]
        return iterator

    def take(self) -> Records:
        """The records since the last call, in the order of each table."""
        found: Records = []
        for number, iterator in enumerate(self._iterators):
            answer = self._client.get_records(ShardIterator=iterator)
            self._iterators[number] = answer["NextShardIterator"]
            found += answer["Records"]
        for record in found:
            # Lambda passes the time on as a number.
            made = record["dynamodb"].pop("ApproximateCreationDateTime")
            record["dynamodb"]["ApproximateCreationDateTime"] = int(made.timestamp())
        return found

    def publish(self) -> Records:
        """Let the publisher handle the records since the last call, and answer them."""
        records = self.take()
        self.system.invoke("event_publisher", {"Records": records})
        return records

    def flow(self) -> None:
        """Let all events go their whole way into the log."""
        self.publish()
        assert self.system.log_events() == []
