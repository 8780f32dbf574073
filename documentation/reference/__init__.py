"""Reference pages and fragments, one module a subject."""
