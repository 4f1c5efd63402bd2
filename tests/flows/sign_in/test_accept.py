"""Nobody comes in who has not accepted what is in force: asked before anything is kept, and once for each version."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from broker.domain.acceptance import Accepted
from broker.domain.attempt import LIFETIME
from broker.domain.errors import Fault, Refusal
from broker.domain.legal_document import NOTHING_ASKED
from broker.domain.request_refused import RequestRefused
from broker.flows.sign_in.settlement import Finished
from broker.flows.sign_in.waiting import LONGEST, AcceptanceNeeded, came_back
from tests.flows.gate import DOCUMENTS, OPTIONAL, PRIVACY, REVISED, TERMS, open_gate, refused
from tests.flows.setting import ADA, ADA_AT_CORP, GOOGLE, GRACE, NOW
from tests.flows.texts import answer_of, holds

pytestmark = pytest.mark.anyio


async def test_a_newcomer_is_asked_before_anything_is_kept() -> None:
    """Nothing is written, not even a line in the ledger; what waits is sealed, and in the page alone."""
    gate = await open_gate()
    before = gate.world.store.tables.copy()
    asked = await gate.asked()

    assert replace(gate.world.store.tables, leases={}) == before
    assert gate.world.written == []
    assert asked.documents == DOCUMENTS
    assert asked.application is not None and asked.application.name == "Demo"
    assert {name: keep.purpose for name, keep in asked.kept.items()} == {
        "email": "Contact address",
        "name": "Shown to colleagues",
    }
    assert (asked.changed, asked.not_accepted, asked.not_adult, asked.options) == (False, False, False, ())
    assert not holds([asked.form, asked.cookie], "canary")
    assert not holds([asked.form, asked.cookie], "ada@")


async def test_what_waits_is_no_more_than_the_policy_lets_be_kept() -> None:
    """The rest of the profile ends at the callback."""
    gate = await open_gate()
    asked = await gate.asked()

    waiting = came_back(asked.cookie, asked.form, gate.ports)
    assert waiting.proof.profile == {"email": "ada@acme.example", "name": "Ada Lovelace"}
    assert "ada@" not in repr(waiting)


async def test_whoever_accepts_is_let_in() -> None:
    """All of it in one write: the User, what was accepted, the Session, the code; and one line."""
    gate = await open_gate()
    finished = await gate.accept(await gate.asked())
    session = await gate.world.session_of(finished)

    assert "code" in answer_of(finished.url)
    assert session.user.accepted == DOCUMENTS.digest
    assert {line.document: line.version for line in await gate.ports.store.acceptances_of(session.user.id)} == {
        Accepted.PRIVACY: PRIVACY.version,
        Accepted.TERMS: TERMS.version,
        Accepted.ADULT: "18",
    }
    assert len(gate.world.store.writes) == 1
    event = gate.world.event()
    assert (event.action, event.outcome, event.user_id) == ("sign_in.accept", "done", session.user.id)
    assert (event.request_id, event.registration) == ("req-accept", GOOGLE)


async def test_whoever_has_accepted_is_not_asked_again() -> None:
    """However often they come, and with whatever account they connect."""
    gate = await open_gate()
    ada = await gate.let_in()
    await gate.world.sign_in(ADA)
    await gate.world.connect(ADA_AT_CORP, ada)

    assert len(await gate.ports.store.acceptances_of(ada.user.id)) == 3


async def test_a_new_version_is_asked_for_at_the_next_sign_in() -> None:
    """Of everybody, once; what was accepted before is on record still."""
    gate = await open_gate()
    ada = await gate.let_in()
    gate.revise()
    gate.world.clock.advance(60)
    again = await gate.accept(await gate.asked())
    after = await gate.ports.store.user(ada.user.id)

    assert after is not None and after.accepted == REVISED.digest
    assert (await gate.world.session_of(again)).user.id == ada.user.id
    lines = await gate.ports.store.acceptances_of(ada.user.id)
    assert [line.at for line in lines] == [NOW] * 3 + [NOW + 60] * 3
    await gate.world.sign_in(ADA)


async def test_connecting_is_asked_of_who_has_not_accepted_what_is_in_force() -> None:
    """They stay signed in; the account is connected once they accept."""
    gate = await open_gate()
    ada = await gate.let_in()
    gate.revise()
    gate.world.clock.advance(60)
    asked = await gate.asked(ADA_AT_CORP, connecting=ada)
    assert len(await gate.world.connections()) == 1
    finished = await gate.accept(asked, signed_in=ada)

    assert finished.session_cookie is None
    assert len(await gate.world.connections()) == 2
    again = await gate.ports.store.user(ada.user.id)
    assert again is not None and again.accepted == REVISED.digest


@pytest.mark.parametrize(
    ("accepted", "adult"), [(False, False), (True, False), (False, True)], ids=["neither", "too young", "not accepted"]
)
async def test_without_both_words_the_page_stays(accepted: bool, adult: bool) -> None:
    """It says what is missing, nothing is written, and the next answer from it counts."""
    gate = await open_gate()
    asked = await gate.asked()
    again = await gate.answer(asked, accepted=accepted, adult=adult)

    assert isinstance(again, AcceptanceNeeded)
    assert (again.not_accepted, again.not_adult) == (not accepted, not adult)
    assert gate.world.written == []
    assert again.attempt == asked.attempt
    await gate.accept(again)


async def test_documents_that_changed_meanwhile_are_shown_again() -> None:
    """Nobody accepts what they were not shown."""
    gate = await open_gate()
    asked = await gate.asked()
    gate.revise()
    again = await gate.answer(asked)

    assert isinstance(again, AcceptanceNeeded)
    assert (again.changed, again.documents) == (True, REVISED)
    assert gate.world.written == []
    session = await gate.world.session_of(await gate.accept(again))
    assert session.user.accepted == REVISED.digest


async def test_where_nothing_is_asked_any_more_the_answer_is_enough() -> None:
    """An operator who has just opted out keeps nobody waiting."""
    gate = await open_gate()
    asked = await gate.asked()
    gate.revise(NOTHING_ASKED)
    session = await gate.world.session_of(await gate.accept(asked))

    assert session.user.accepted is None
    assert await gate.ports.store.acceptances_of(session.user.id) == ()


async def test_what_is_optional_is_asked_beside_and_kept_if_it_was_ticked() -> None:
    """Purposes first; what the person did not tick is not kept, and what nobody offered cannot be agreed to."""
    gate = await open_gate(OPTIONAL)
    asked = await gate.asked()
    assert [option.subject for option in asked.options] == ["promotional", "analytics", "google.name"]
    assert [a.name for option in asked.options for a in option.attributes] == ["locale", "name"]
    assert asked.kept.keys() == {"email"}

    session = await gate.world.session_of(await gate.accept(asked, "google.name", "analytics", "corp.email", "x"))
    said = await gate.ports.store.choices_of(session.user.id)
    assert [(s.subject, s.agreed, s.at) for s in said] == [("analytics", True, NOW), ("google.name", True, NOW)]
    assert [attribute.name for attribute in await gate.world.kept()] == ["email", "name"]


async def test_nothing_optional_is_taken_for_granted() -> None:
    """Unticked boxes leave no row."""
    gate = await open_gate(OPTIONAL)
    ada = await gate.let_in()

    assert await gate.ports.store.choices_of(ada.user.id) == ()
    assert [attribute.name for attribute in await gate.world.kept()] == ["email"]


async def test_what_was_agreed_to_before_stays_so_when_somebody_is_asked_again() -> None:
    """A box that is not ticked takes nothing back; one more is one more."""
    gate = await open_gate(OPTIONAL)
    ada = await gate.let_in(ADA, "google.name")
    gate.revise()
    gate.world.clock.advance(60)
    await gate.accept(await gate.asked(), "promotional", "google.name")

    said = await gate.ports.store.choices_of(ada.user.id)
    assert [(s.subject, s.at) for s in said] == [("google.name", NOW), ("promotional", NOW + 60)]
    assert [attribute.name for attribute in await gate.world.kept()] == ["email", "locale", "name"]


async def test_an_answer_counts_once() -> None:
    """The second is refused, and changes nothing."""
    gate = await open_gate()
    asked = await gate.asked()
    await gate.accept(asked)
    gate.world.forget()

    assert await refused(gate.answer(asked)) == "used_state"
    assert gate.world.written == []


async def test_two_tabs_do_not_disturb_each_other() -> None:
    """Each has its own; the second finds the User that the first made, who has accepted by then."""
    gate = await open_gate()
    first, second = await gate.asked(), await gate.asked()
    one = await gate.world.session_of(await gate.accept(first))
    two = await gate.world.session_of(await gate.accept(second))

    assert one.user.id == two.user.id
    assert len(gate.world.store.tables.users) == 1
    assert len(await gate.ports.store.acceptances_of(one.user.id)) == 3


async def test_a_form_and_a_cookie_of_two_tabs_are_no_answer() -> None:
    """What waits belongs to one trip."""
    gate = await open_gate()
    first, second = await gate.asked(), await gate.asked(GRACE)

    assert await refused(gate.answer(first, cookie=second.cookie)) == "invalid_state"
    assert await refused(gate.answer(second, cookie=first.cookie)) == "invalid_state"
    assert gate.world.written == []


def _flipped(text: str) -> str:
    return f"{text[:-9]}{'A' if text[-9] != 'A' else 'B'}{text[-8:]}"


TAMPERED: dict[str, Callable[[AcceptanceNeeded], dict[str, Any]]] = {
    "no cookie": lambda asked: {"cookie": None},
    "a cookie that is none": lambda asked: {"cookie": "x"},
    "a cookie with another letter": lambda asked: {"cookie": _flipped(asked.cookie)},
    "no form": lambda asked: {"form": ""},
    "a form with another letter": lambda asked: {"form": _flipped(asked.form)},
    "the cookie for a form": lambda asked: {"form": asked.cookie},
    "the form for a cookie": lambda asked: {"cookie": asked.form},
    "a form that is cut": lambda asked: {"form": asked.form[:-40]},
    "a form of somebody else's making": lambda asked: {"form": "k1." + "A" * 200},
}


@pytest.mark.parametrize("what", TAMPERED)
async def test_what_was_changed_is_no_answer(what: str) -> None:
    """Another browser has no cookie; nothing that was not sealed here opens."""
    gate = await open_gate()
    asked = await gate.asked()

    assert await refused(gate.answer(asked, **TAMPERED[what](asked))) == "invalid_state"
    assert gate.world.written == []
    await gate.accept(asked)


async def test_the_cookie_of_a_trip_that_is_not_back_yet_is_no_answer() -> None:
    """Nobody was asked by it."""
    gate = await open_gate()
    trip = await gate.world.begin(ADA, await gate.world.request())
    asked = await gate.asked_back(trip, ADA)

    assert await refused(gate.answer(asked, cookie=trip.cookie)) == "invalid_state"


@pytest.mark.parametrize(("seconds", "late"), [(LIFETIME - 1, False), (LIFETIME, True)])
async def test_an_answer_has_ten_minutes(seconds: int, late: bool) -> None:
    """From when the question was put; to be asked again does not prolong them."""
    gate = await open_gate()
    trip = await gate.world.begin(ADA)
    gate.world.clock.advance(LIFETIME - 1)
    asked = await gate.asked_back(trip, ADA)
    gate.world.clock.advance(seconds - 60)
    asked_again = await gate.answer(asked, adult=False)
    assert isinstance(asked_again, AcceptanceNeeded)
    gate.world.clock.advance(60)

    if late:
        assert await refused(gate.accept(asked_again)) == "expired_state"
        assert gate.world.written == []
    else:
        await gate.accept(asked_again)


async def test_a_used_attempt_is_remembered_for_as_long_as_its_answer_would_be_good() -> None:
    """Else it could be given twice."""
    gate = await open_gate()
    trip = await gate.world.begin(ADA)
    gate.world.clock.advance(LIFETIME - 1)
    asked = await gate.asked_back(trip, ADA)
    await gate.accept(asked)

    assert gate.world.store.tables.taken_attempts == {asked.attempt.id: NOW + LIFETIME - 1 + LIFETIME}


async def test_the_callback_cannot_be_loaded_again() -> None:
    """Its code is spent: the Provider would end the tokens that wait (RFC 6749 section 4.1.2). It is not asked."""
    gate = await open_gate()
    trip = await gate.world.begin(ADA)
    callback = gate.world.upstream.allow(trip.url, ADA)
    asked = await gate.asked_back(trip, callback)
    exchanges = len(gate.world.upstream.exchanges)

    assert await refused(gate.world.back(replace(trip, cookie=asked.cookie), callback)) == "asked_already"
    assert len(gate.world.upstream.exchanges) == exchanges
    await gate.accept(asked)


async def test_who_connects_answers_as_the_person_who_began() -> None:
    """Nobody else's browser, and nobody who has signed out."""
    gate = await open_gate()
    ada, grace = await gate.let_in(), await gate.let_in(GRACE)
    gate.revise()
    gate.world.clock.advance(60)
    asked = await gate.asked(ADA_AT_CORP, connecting=ada)

    assert await refused(gate.answer(asked)) == "initiator_mismatch"
    assert await refused(gate.answer(asked, signed_in=grace)) == "initiator_mismatch"
    await gate.accept(asked, signed_in=ada)


async def test_who_may_not_come_in_is_refused_and_not_asked() -> None:
    """Somebody else's account cannot be connected, and its person is not asked to accept anything for it."""
    gate = await open_gate()
    ada = await gate.let_in()
    await gate.let_in(GRACE)
    gate.revise()
    trip = await gate.world.begin(GRACE, signed_in=ada, connect=True)

    assert await refused(gate.world.back(trip, GRACE, signed_in=ada)) == "identity_in_use"


async def test_what_has_changed_since_the_question_is_refused_to_the_application() -> None:
    """Here the invitation's address was taken by another account; the tokens that nobody keeps are revoked."""
    gate = await open_gate()
    asked = await gate.asked()
    other = replace(ADA, subject="another")
    await gate.let_in(other)
    with pytest.raises(RequestRefused) as refused:
        await gate.answer(asked)

    assert (refused.value.code, refused.value.reason) == ("access_denied", "subject_changed")
    assert [tokens for _, tokens in gate.world.upstream.revocations] == [gate.world.upstream.issued[0]]


async def test_without_an_application_a_refusal_is_shown() -> None:
    """On a page of ours."""
    gate = await open_gate()
    asked = await gate.asked(ADA, None)
    await gate.let_in(replace(ADA, subject="another"))

    assert await refused(gate.answer(asked)) == "subject_changed"


async def test_a_fault_is_shown_and_the_answer_can_be_sent_again() -> None:
    """The Application is not told: the page is still there."""
    gate = await open_gate()
    asked = await gate.asked()
    gate.world.store.down = True
    with pytest.raises(Fault):
        await gate.answer(asked)
    gate.world.store.down = False

    assert isinstance(await gate.answer(asked), Finished)


async def test_more_than_a_form_can_carry_is_refused() -> None:
    """Rather than shown on a page that cannot be sent."""
    gate = await open_gate({"google": {"keep": dict.fromkeys(("email", "name", "picture", "locale"), "To show")}})
    gate.world.upstream.token_padding = "t" * LONGEST
    trip = await gate.world.begin(ADA)

    with pytest.raises(Refusal) as refused:
        await gate.world.back(trip, ADA)
    assert refused.value.code == "upstream_error"
