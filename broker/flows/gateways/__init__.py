"""Services behind a gateway, which asks here before each request."""
