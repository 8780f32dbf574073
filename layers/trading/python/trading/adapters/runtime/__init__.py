"""The basis of every function: AWS clients' settings, the clock, the environment, logs, metrics and
secrets.
"""
