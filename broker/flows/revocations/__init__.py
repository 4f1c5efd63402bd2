"""The feed of what is no longer good."""
