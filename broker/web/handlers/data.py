"""Owns `/account/data`: everything that is kept, putting it right, and taking it along.

Refuses to send a value in an address: what is corrected travels in a form.
"""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response

from broker.domain.errors import NotFound, Refusal
from broker.domain.ids import ConnectionId
from broker.domain.policy import MAX_VALUE, Update
from broker.flows.found import LiveSession
from broker.flows.kept import EverythingKept, KeptConnection
from broker.flows.privacy.correct import correct
from broker.flows.privacy.export import export
from broker.flows.privacy.show_data import show_data
from broker.web import context
from broker.web.errors import NotOnForm
from broker.web.handlers.beside import beside_rows
from broker.web.handlers.shown import facts_about
from broker.web.pages import outcomes, words
from broker.web.pages.data import CorrectView, DataGroup, DataRow, DataView, MissingRow
from broker.web.pages.parts import Notice
from broker.web.pages.shell import Shell
from broker.web.parameters import one

WRONG = "Enter one line of text, without a space at either end."
WRONG_ADDRESS = "Enter one email address, such as name@example.com."


async def data_page(request: Request) -> Response:
    """Everything that is kept, why, until when, and who was told."""
    session = await context.require_signed_in(request)
    return context.page(await _view(request, session))


async def correct_page(request: Request) -> Response:
    """A form with the value that is kept."""
    session = await context.require_signed_in(request)
    kept = await show_data(session.user.id, context.web_of(request).ports)
    return context.page(_form(request, session, kept))


async def put_right(request: Request) -> Response:
    """Keep what the User says. What cannot be kept is shown again, to be changed."""
    session, form = await context.posted(request)
    ports = context.web_of(request).ports
    typed = (one(form, "value", longest=4 * MAX_VALUE) or "").strip()
    connection_id, name = _named(request)
    try:
        await correct(connection_id, name, typed, session.user.id, ports, request_id=context.request_id_of(request))
    except Refusal as refusal:
        if refusal.code != "malformed_value":
            raise
        kept = await show_data(session.user.id, ports)
        wrong = WRONG_ADDRESS if name == "email" else WRONG
        raise NotOnForm(refusal, _form(request, session, kept, typed=typed, wrong=wrong)) from None
    notice = outcomes.corrected(words.attributes([name]))
    return context.page(await _view(request, session, notice=notice))


async def leave_to_provider(request: Request) -> Response:
    """Take what the Provider says again."""
    session, _ = await context.posted(request)
    ports = context.web_of(request).ports
    connection_id, name = _named(request)
    await correct(connection_id, name, None, session.user.id, ports, request_id=context.request_id_of(request))
    kept = await show_data(session.user.id, ports)
    one_of = next(c for c in kept.connections if c.connection.id == connection_id)
    label = facts_about(request, one_of.connection.registration).label
    notice = outcomes.uncorrected(words.attributes([name]), label)
    return context.page(await _view(request, session, notice=notice))


async def download(request: Request) -> Response:
    """The signed archive, as a file."""
    session, _ = await context.posted(request)
    return await archive_of(request, session)


async def archive_of(request: Request, session: LiveSession) -> Response:
    """The archive of whoever is signed in; no cache keeps it."""
    ports = context.web_of(request).ports
    signed = await export(session.user.id, ports, by_operator=False, request_id=context.request_id_of(request))
    headers = {"Content-Disposition": 'attachment; filename="partner-ops-archive.json"', "Cache-Control": "no-store"}
    return Response(signed.to_bytes(), media_type="application/json", headers=headers)


def _named(request: Request) -> tuple[ConnectionId, str]:
    return ConnectionId(context.path_name(request, "connection")), context.path_name(request, "attribute")


async def _view(request: Request, session: LiveSession, *, notice: Notice | None = None) -> DataView:
    web = context.web_of(request)
    kept = await show_data(session.user.id, web.ports)
    applications = {str(row["id"]): str(row["name"]) for row in kept.records["applications"]}
    return DataView(
        shell=_shell(request, session, kept),
        groups=tuple(_group(request, c, applications) for c in kept.connections if c.is_live),
        beside=beside_rows(kept, web.ports.policy),
        notice=notice,
    )


def _group(request: Request, one_of: KeptConnection, applications: dict[str, str]) -> DataGroup:
    label = facts_about(request, one_of.connection.registration).label
    rows = tuple(
        DataRow(
            attribute=words.attribute(a.kept.name),
            name=a.kept.name,
            value=a.kept.value,
            purpose=a.terms.purpose,
            since=a.kept.since,
            until=a.kept.until(a.terms),
            subject=a.terms.consent,
            correctable=a.terms.correctable,
            corrected=a.kept.corrected,
            told=tuple(applications.get(t, t) for t in a.told),
        )
        for a in one_of.attributes or ()
        if a.terms is not None
    )
    told = {row.name: row.value for row in rows if not row.corrected}
    account = told.get("email") or told.get("name")
    return DataGroup(
        title=f"From {label}" if account is None else f"From {label}, {account}",
        provider_name=label,
        connection_id=one_of.connection.id,
        rows=rows,
        missing=tuple(
            MissingRow(attribute=words.attribute(name), name=name, purpose=keep.purpose)
            for name, keep in one_of.missing
        ),
        readable=one_of.attributes is not None,
    )


def _form(
    request: Request, session: LiveSession, kept: EverythingKept, *, typed: str | None = None, wrong: str = ""
) -> CorrectView:
    connection_id, name = _named(request)
    found = next((c for c in kept.connections if c.connection.id == connection_id and c.is_live), None)
    if found is None:
        raise NotFound(detail="no such live connection of this user")
    row = next((a for a in found.attributes or () if a.kept.name == name), None)
    terms = dict(found.missing).get(name) if row is None else row.terms
    if terms is None or not terms.correctable:
        raise NotFound(detail="nothing of this name to correct")
    label = facts_about(request, found.connection.registration).label
    value = "" if row is None else row.kept.value
    return CorrectView(
        shell=_shell(request, session, kept),
        connection_id=connection_id,
        name=name,
        attribute=words.attribute(name),
        provider_name=label,
        purpose=terms.purpose,
        typed=value if typed is None else typed,
        back=row is not None and row.kept.corrected,
        comes_back=_comes_back(label, terms.update),
        wrong=wrong,
    )


def _comes_back(label: str, update: Update) -> str:
    match update:
        case Update.EVERY:
            return f"Yours stays until you next sign in with {label}, which then decides again."
        case Update.FIRST:
            return f"Yours is deleted now, and what {label} says is kept when you next sign in."
        case Update.NEVER:
            return f"Yours is deleted now, and nothing takes its place: {label} is not asked for it."


def _shell(request: Request, session: LiveSession, kept: EverythingKept) -> Shell:
    values = [a.kept for c in kept.connections for a in c.attributes or ()]
    known = {a.name: a.value for a in reversed(values)}
    return context.shell(request, session, name=known.get("name") or known.get("email") or "")
