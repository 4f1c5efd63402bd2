"""A stand-in for Google: an OpenID Provider with three personas and a table of faults.

Proves nobody's identity, so nothing but the demo and the tests may trust it.
"""

from __future__ import annotations

from broker.demo.provider.faults import FAULTS
from broker.demo.provider.personas import PERSONAS, Persona
from broker.demo.provider.provider import DemoProvider
from broker.demo.provider.registrations import DemoRegistration
from broker.demo.provider.routes import create_provider

__all__ = ["FAULTS", "PERSONAS", "DemoProvider", "DemoRegistration", "Persona", "create_provider"]
