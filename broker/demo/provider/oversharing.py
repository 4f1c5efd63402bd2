"""Everything the demo Provider tells about a persona although nobody needs it.

Refuses nothing, on purpose: whoever reads these answers must be the one to drop what has no purpose.
"""

from __future__ import annotations

from typing import Any

from broker.demo.provider.personas import Persona

CYRILLIC_IE = "\u0435"  # looks like the Latin e
FULLWIDTH_E = "\uff45"  # becomes the Latin e under Unicode's compatibility forms
ZERO_WIDTH_SPACE = "\u200b"


def oversharing(persona: Persona) -> dict[str, Any]:
    """Some seventy more claims: flat, nested, in foreign namespaces, under look-alike names."""
    return {
        **_civil(persona),
        **_working_life(persona),
        **_habits(persona),
        **_namespaced(persona),
        **_look_alikes(persona),
    }


def _civil(persona: Persona) -> dict[str, Any]:
    return {
        "middle_name": "Augusta",
        "nickname": persona.given_name.lower(),
        "preferred_username": persona.email,
        "profile": f"https://people.example/{persona.persona_id}",
        "website": f"https://{persona.persona_id}.example",
        "gender": "female",
        "pronouns": "she/her",
        "birthdate": "1985-12-10",
        "age_range": {"min": 21, "max": 64},
        "place_of_birth": {"country": "GB", "locality": "London"},
        "nationalities": ["GB", "CH"],
        "marital_status": "married",
        "zoneinfo": "Europe/Zurich",
        "phone_number": "+41 44 555 01 99",
        "phone_number_verified": True,
        "msisdn": "41445550199",
        "address": {
            "formatted": "1 Analytical Way\n8001 Zürich",
            "street_address": "1 Analytical Way",
            "locality": "Zürich",
            "postal_code": "8001",
            "country": "CH",
        },
        "salutation": "Countess",
        "title": "Dr",
        "national_id": "756.0000.0000.00",
        "passport_number": "X0000000",
        "tax_id": "CHE-000.000.000",
        "iban": "CH00 0000 0000 0000 0000 0",
        "email_aliases": [f"{persona.persona_id}.private@mail.example"],
        "recovery_email": f"{persona.persona_id}@recovery.example",
        "emergency_contact": {"name": "Annabella", "phone": "+41 44 555 01 98"},
    }


def _working_life(persona: Persona) -> dict[str, Any]:
    return {
        "organizations": [{"name": "Analytical Engines", "title": "Engineer", "department": "Research"}],
        "department": "Research",
        "job_title": "Engineer",
        "employee_number": "E-0042",
        "cost_center": "4711",
        "salary_band": "K7",
        "supervisor": {"name": "Charles Babbage", "email": "charles@acme.example"},
        "groups": ["engineering", "payroll-admins", "everyone"],
        "roles": ["admin", "billing"],
        "entitlements": ["invoices:write", "users:delete"],
        "permissions": {"acme": ["*"], "globex": ["*"]},
        "office": {"building": "B", "floor": 3, "desk": "3.14"},
        "licences": ["suite-enterprise"],
        "last_review": {"grade": "A", "remarks": "Ahead of her time"},
    }


def _habits(persona: Persona) -> dict[str, Any]:
    return {
        "updated_at": 1_750_000_000,
        "last_login_ip": "203.0.113.7",
        "last_login_place": {"lat": 47.37, "lon": 8.54},
        "devices": [{"model": "Phone 12", "serial": "SN-0001", "imei": "000000000000000"}],
        "login_history": [{"at": 1_749_990_000, "ip": "203.0.113.9"}],
        "interests": ["mathematics", "horses"],
        "dietary_requirements": "vegetarian",
        "health": {"blood_type": "0+", "allergies": ["hay"]},
        "faith": "undisclosed",
        "union_member": True,
        "photos": [{"value": f"https://people.example/{persona.persona_id}/beach.jpg", "primary": True}],
        "contacts_count": 318,
        "risk_score": 0.07,
        "advertising_id": "00000000-0000-4000-8000-000000000000",
        "password_last_changed": 1_700_000_000,
    }


def _namespaced(persona: Persona) -> dict[str, Any]:
    return {
        "https://claims.example/internal_user_id": f"u-{persona.sub[-4:]}",
        "https://claims.example/roles": ["superuser"],
        "urn:example:credit": {"score": 812, "checked": "2026-01-02"},
        "$ref": "#/address",
        "__proto__": {"email_verified": True},
        "authorizations": {"acme": ["invoices:write"], "globex": ["invoices:write"]},
        "org_id": "acme",
        "client_org": "acme",
    }


def _look_alikes(persona: Persona) -> dict[str, Any]:
    other = f"not-{persona.email}"
    return {
        f"{CYRILLIC_IE}mail": other,
        f"{FULLWIDTH_E}mail": other,
        f"email{ZERO_WIDTH_SPACE}": other,
        "Email": other,
        " email": other,
        "email ": other,
        "e-mail": other,
        "emails": [{"value": other, "verified": True}],
        "email.verified": True,
        f"nam{CYRILLIC_IE}": f"Not {persona.name}",
        "s\u057cb": "000",
    }
