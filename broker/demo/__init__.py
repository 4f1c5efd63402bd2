"""The demo: a stand-in Provider, an Application and a downstream service, ordinary software round the broker.

Nothing here is trusted by the broker, and nothing here may be used to sign real people in.
"""
