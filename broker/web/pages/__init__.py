"""Owns what people see: typed view models, their templates, stylesheet and words.

Refuses everything else: no route, no storage, no clock, no script.
"""
