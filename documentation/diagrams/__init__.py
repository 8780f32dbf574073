"""Diagrams, drawn from the definitions of what they show."""
