"""The two APIs, rendered from their OpenAPI documents: a page a tag, and the schemas."""
