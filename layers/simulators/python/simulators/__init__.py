"""The outside world, simulated: exchanges and a depository with their own state, reached only over
their APIs.
"""
