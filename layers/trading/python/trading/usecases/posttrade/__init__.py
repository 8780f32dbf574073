"""Clearing, settlement, reconciliation."""
