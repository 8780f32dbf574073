"""Mailboxes, their workers, and the workflow that answers to them."""
