"""Signing in: an Application's authorize request, the trip to a Provider and back."""
