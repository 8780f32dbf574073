"""What a client asks for: place, replace, cancel, list."""
