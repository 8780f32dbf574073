"""The whole system on this machine: a local AWS, the real deployment, a trading session."""
