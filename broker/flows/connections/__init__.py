"""What a User keeps connected, and revokes."""
