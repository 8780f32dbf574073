"""Access to exchanges and the depository, and the health of the exchanges."""
