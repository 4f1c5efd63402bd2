"""Owns how the legal documents are said on a page. Refuses other words than those of the policy in force."""

from __future__ import annotations

from starlette.requests import Request

from broker.domain.legal_document import Documents, LegalDocument
from broker.web import context
from broker.web.pages.parts import LegalText, Section

SHORT = 8
"""Digits of a version that people see. Nothing is decided by them."""


def legal_texts(request: Request, documents: Documents) -> tuple[LegalText, ...]:
    """The privacy policy, then the terms; those that there are."""
    links = context.shell(request, None).links
    both = (
        text("Privacy policy", links.privacy, documents.privacy),
        text("Terms", links.terms, documents.terms),
    )
    return tuple(document for document in both if document is not None)


def text(title: str, href: str, document: LegalDocument | None) -> LegalText | None:
    """One of them; None where there is none."""
    if document is None:
        return None
    return LegalText(
        title=title,
        href=href,
        version=document.version[:SHORT],
        revised=document.revised,
        sections=tuple(Section(title=s.title, paragraphs=s.paragraphs) for s in document.sections),
    )
