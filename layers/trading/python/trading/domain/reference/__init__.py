"""What trades, where, and on which days."""
