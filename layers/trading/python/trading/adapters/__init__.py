"""AWS and HTTP behind the ports of the use cases."""
