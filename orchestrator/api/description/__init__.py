"""The API's description of itself: OpenAPI 3.1, and a page made from it."""
