"""Mailboxes, the workers that empty them, and the workflow of an order."""
