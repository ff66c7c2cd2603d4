"""Commands for whoever runs a server: keys and tenants."""
