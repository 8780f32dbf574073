"""The checks of the books against themselves."""
