"""Verbs: one file, one public coroutine, the steps readable from top to bottom. A flow never calls another flow.

Every flow has the same form: read, decide by the rules of `domain`, write once.
"""
