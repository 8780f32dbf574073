"""AWS and HTTP for the simulated venues."""
