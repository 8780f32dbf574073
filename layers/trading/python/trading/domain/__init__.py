"""The rules.
Pure: no AWS, no sockets, no clock, no randomness; time and ids come in from outside.
"""
