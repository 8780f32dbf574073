"""What happens on a request or a message: load, apply a rule of the domain, commit."""
