"""What clients own and owe: cash, positions, and how they move."""
