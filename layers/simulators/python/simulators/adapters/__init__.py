"""AWS and HTTP around the simulated venues."""
