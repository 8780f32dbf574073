"""A brokerage back end: domain rules, use cases, and their AWS adapters."""
