"""The HTTP edge: routes, pages, cookies, errors. Refuses rules; those are the flows' and the domain's."""
