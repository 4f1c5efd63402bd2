"""Keys, sealing, signing: the home of `cryptography` and PyJWT.

Refuses to let a plaintext key out, be it into a repr or an exception.
"""
