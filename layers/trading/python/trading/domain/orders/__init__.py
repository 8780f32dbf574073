"""An order's life: entry, routing, booking, replacement, and its end."""
