"""Who calls: passwords, tokens, authorizers."""
