"""The two APIs, rendered from their OpenAPI documents: a page for each tag and one for the schemas."""
