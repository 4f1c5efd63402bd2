"""`broker.toml`, read into frozen dataclasses. Refuses to start on any problem, and reports every one at once."""
