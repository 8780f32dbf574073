"""The streams of restored tables, and the mappings that hand their records to the publisher."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from ops.target import Target

SETTINGS = (
    "BatchSize",
    "BisectBatchOnFunctionError",
    "DestinationConfig",
    "FilterCriteria",
    "MaximumRecordAgeInSeconds",
)
"""What a new mapping takes from the one that it replaces."""


@dataclass(frozen=True)
class Streams:
    """A restored table has no stream, and a mapping cannot change its stream."""

    target: Target
    wait: Callable[[str], None]

    def reconnect(self, name: str) -> None:
        """Enable a table's stream and map it to the publisher as the old one was. Idempotent.

        Without an old one the stage has no publisher yet. Its deployment makes the mapping.
        """
        stream = self._stream(name)
        mappings = self._mappings(name)
        if mappings and not any(mapping["EventSourceArn"] == stream for mapping in mappings):
            self.target.functions.create_event_source_mapping(
                EventSourceArn=stream,
                FunctionName=self._publisher,
                StartingPosition="TRIM_HORIZON",
                **{name: mappings[0][name] for name in SETTINGS if mappings[0].get(name)},
            )
        for mapping in mappings:
            if mapping["EventSourceArn"] != stream:
                self.target.functions.delete_event_source_mapping(UUID=mapping["UUID"])

    def _stream(self, name: str) -> str:
        table, client = self.target.named(name), self.target.dynamodb
        described = client.describe_table(TableName=table)["Table"]
        if not described.get("StreamSpecification", {}).get("StreamEnabled"):
            client.update_table(
                TableName=table,
                StreamSpecification={
                    "StreamEnabled": True,
                    "StreamViewType": "NEW_AND_OLD_IMAGES",
                },
            )
            self.wait(name)
            described = client.describe_table(TableName=table)["Table"]
        return described["LatestStreamArn"]

    def _mappings(self, name: str) -> list[Any]:
        """The publisher's mappings of the table's streams, including deleted ones."""
        marker = f":table/{self.target.named(name)}/stream/"
        pages = self.target.functions.get_paginator("list_event_source_mappings").paginate(
            FunctionName=self._publisher
        )
        return [
            mapping
            for page in pages
            for mapping in page["EventSourceMappings"]
            if marker in mapping.get("EventSourceArn", "")
        ]

    @property
    def _publisher(self) -> str:
        return self.target.called("event-publisher")
