"""What the APIs show and take, one vocabulary a module."""
