"""What each route does: read the request, call one flow, answer. Refuses rules of its own; those are the flows'."""
