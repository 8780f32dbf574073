"""The simulated outside world: exchanges and a depository with state of their own. They are reached
only over their APIs.
"""
