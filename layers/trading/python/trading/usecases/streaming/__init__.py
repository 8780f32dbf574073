"""The stream of events to connected clients."""
