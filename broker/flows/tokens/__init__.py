"""What an Application fetches with a code, and asks with a token."""
