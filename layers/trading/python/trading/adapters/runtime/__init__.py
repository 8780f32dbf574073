"""What every function stands on: AWS clients' settings, the clock, the environment, logs and
metrics, secrets.
"""
