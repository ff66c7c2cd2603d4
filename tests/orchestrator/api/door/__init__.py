"""The door of the API: keys, tenants, limits, and requests that are no requests."""
