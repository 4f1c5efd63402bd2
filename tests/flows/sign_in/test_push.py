"""The push of an authorize request (RFC 9126): what stands for it afterwards, and what is refused at once."""

from __future__ import annotations

from dataclasses import replace

import pytest

from broker.domain.authorize_request import KNOWN
from broker.domain.changes import TakeAssertion
from broker.domain.errors import OAuthRefusal, Refusal
from broker.domain.pushed_request import PREFIX
from broker.flows.possession import SentProof
from broker.flows.sign_in.push import push
from tests.flows.asserted import JWKS, assertion
from tests.flows.proofs import Holder
from tests.flows.refusals import refusal
from tests.flows.setting import ADA, APPLICATIONS, ISSUER, NOW, asked
from tests.flows.sign_in.pushing import pushed, request_of
from tests.flows.world import World

pytestmark = pytest.mark.anyio

HOLDER = Holder()
PAR_URL = f"{ISSUER}/oauth/par"


@pytest.mark.parametrize("application", ["demo-app", "reports"])
async def test_a_pushed_request_stands_for_what_was_pushed(world: World, application: str) -> None:
    """The same request as one in the clear, from a public Application and a confidential one; nothing is written."""
    wishes = {"prompt": "login", "max_age": "60", "login_hint": "ada", "response_mode": "form_post"}
    request = await request_of(world, await pushed(world, application, **wishes))

    assert request.pushed is not None
    assert request.pushed.at == NOW
    assert replace(request, pushed=None) == await world.request(application, **wishes)
    assert world.written == []


async def test_every_push_is_another(world: World) -> None:
    """Each has an id of its own, and nothing of the request can be read in it."""
    first, second = [await pushed(world) for _ in range(2)]

    ids = {request.pushed and request.pushed.id for request in [await request_of(world, p) for p in (first, second)]}
    assert len(ids) == 2
    assert "canary" not in str(first)


async def test_a_secret_in_the_form_is_not_sealed(world: World) -> None:
    """A browser carries the rest: only an authorize request's own parameters are in it."""
    form = asked("crm") | {"client_secret": ["crm-secret-canary"], "client_assertion": ["x"], "foo": ["bar"]}
    sealed = (await push(world.credentials("crm"), form, None, world.ports)).removeprefix(PREFIX)

    opened = world.ports.secrets.open_request(sealed)
    assert opened is not None
    assert {pair.partition("=")[0] for pair in opened.parameters.split("&")} <= set(KNOWN)


async def test_only_the_application_itself_can_push(world: World) -> None:
    """As at the token endpoint: by its secret, or by an assertion, which is used up."""
    for credentials in (world.credentials("reports", secret="wrong"), world.credentials("reports", secret=None)):
        with refusal(OAuthRefusal, "invalid_client"):
            await push(credentials, asked("reports"), None, world.ports)
    keyed = {name: value for name, value in APPLICATIONS["reports"].items() if name != "secret"} | {"jwks": JWKS}
    await world.declare(applications=APPLICATIONS | {"reports": keyed})
    proof = replace(world.credentials("reports", secret=None), assertion=assertion("reports", ISSUER, NOW))

    assert (await push(proof, asked("reports"), None, world.ports)).startswith(PREFIX)
    with refusal(OAuthRefusal, "invalid_client"):
        await push(proof, asked("reports"), None, world.ports)


@pytest.mark.parametrize("value", ["", PREFIX + "x", "https://evil.example/r"], ids=["empty", "ours", "elsewhere"])
async def test_a_push_holds_no_request_uri(world: World, value: str) -> None:
    """RFC 9126 section 2.1."""
    with refusal(OAuthRefusal, "invalid_request"):
        await pushed(world, request_uri=value)


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"response_type": "token"}, "unsupported_response_type"),
        ({"scope": None}, "invalid_scope"),
        ({"code_challenge": None}, "invalid_request"),
        ({"response_mode": "fragment"}, "invalid_request"),
        ({"request": "a.b.c"}, "request_not_supported"),
    ],
)
async def test_what_would_be_refused_later_is_refused_at_once(
    world: World, changes: dict[str, str | None], code: str
) -> None:
    """To who asks, not to any address (RFC 9126 section 2.3)."""
    with refusal(OAuthRefusal, code):
        await pushed(world, "demo-app", **changes)


async def test_an_address_that_is_not_registered_is_refused(world: World) -> None:
    """Nothing is sealed that would lead there."""
    with refusal(Refusal, "invalid_redirect_uri"):
        await pushed(world, redirect_uri="https://evil.example/callback")


async def test_what_no_url_would_carry_is_refused(world: World) -> None:
    """With `prompt=none` the single lengths alone would let it be longer."""
    hint = (await world.redeem(await world.code(ADA))).id_token
    fits = await pushed(world, prompt="none", id_token_hint=hint)

    assert len(fits["request_uri"][0]) < 8000
    with refusal(OAuthRefusal, "invalid_request"):
        await pushed(world, prompt="none", id_token_hint="h" * 4096, state="s" * 1024)


async def proven(world: World, proof: SentProof, **changes: str | None) -> dict[str, list[str]]:
    """The parameters that a browser comes with, once this request was pushed with a proof."""
    request_uri = await push(world.credentials(), asked("demo-app", **changes), proof, world.ports)
    return {"client_id": ["demo-app"], "request_uri": [request_uri]}


@pytest.mark.parametrize("said", [None, HOLDER.thumbprint], ids=["proof", "proof and dpop_jkt"])
async def test_a_proof_binds_the_code_to_its_key(world: World, said: str | None) -> None:
    """RFC 9449 section 10.1: as if `dpop_jkt` had been sent. The proof is used up, and nothing else is written."""
    proof = HOLDER.sent(url=PAR_URL, at=PAR_URL)
    request = await request_of(world, await proven(world, proof, dpop_jkt=said))

    assert request.dpop_jkt == HOLDER.thumbprint
    assert [type(change) for change in world.written] == [TakeAssertion]
    with refusal(OAuthRefusal, "invalid_dpop_proof"):
        await proven(world, proof)


async def test_a_proof_of_another_key_or_request_pushes_nothing(world: World) -> None:
    """RFC 9449 section 10.1; and it is not used up."""
    with refusal(OAuthRefusal, "invalid_request"):
        await proven(world, HOLDER.sent(url=PAR_URL, at=PAR_URL), dpop_jkt=Holder().thumbprint)
    with refusal(OAuthRefusal, "invalid_dpop_proof"):
        await proven(world, HOLDER.sent(at=PAR_URL))
    assert world.written == []
