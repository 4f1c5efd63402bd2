"""Clients, Applications and Authorizations, as the operator declares them."""
