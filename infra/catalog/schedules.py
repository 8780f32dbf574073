"""The times at which functions and workflows start."""

SETTLEMENT_CYCLE_AT, SETTLEMENT_CYCLE_AGAIN_AT = (18, 30), (20, 30)
"""Hour and minute in New York, on weekdays. The second run settles what the first one left. It also
replaces a first run that did not start.
"""

MARKET_OPENS_AT = (9, 30)
ATTENTION_SHARDS = 4
"""The partitions in which orders that wait for something are listed: at the open, each is swept by
itself.
"""
