"""Owns the words of what can go wrong: what happened, what to do, where to go on.

Refuses causes and codes: detail is for the log, statuses are chosen by whoever answers.
"""

from __future__ import annotations

from broker.web.pages.parts import Link
from broker.web.pages.shell import Shell
from broker.web.pages.views import ErrorView


def attempt_expired(shell: Shell, *, status: int, again: str | None = None) -> ErrorView:
    """A sign-in attempt outlived its time. `again` is where it can be begun anew."""
    return ErrorView(
        shell=shell,
        status=status,
        title="This sign-in took too long",
        happened="For your safety a sign-in has to be finished within a few minutes. Nothing was kept.",
        to_do="Start again. It usually takes less than a minute.",
        action=_start_again(shell, again),
    )


def attempt_elsewhere(shell: Shell, *, status: int, again: str | None = None) -> ErrorView:
    """A sign-in came back to a browser which did not begin it."""
    return ErrorView(
        shell=shell,
        status=status,
        title="This sign-in was not started here",
        happened=(
            "We could not match it to this browser. It may have been started in another browser or window, "
            "finished a while ago, or cookies may be switched off. Nobody was signed in."
        ),
        to_do=(
            "Start again in this browser, and allow cookies for this site. "
            "If a link from somebody else led you here, close the page."
        ),
        action=_start_again(shell, again),
    )


def asked_already(shell: Shell, *, status: int, again: str | None = None) -> ErrorView:
    """The page that asks to accept the documents was loaded a second time."""
    return ErrorView(
        shell=shell,
        status=status,
        title="Please start again",
        happened="The page that you were on can be answered, but not loaded again. Nothing was kept.",
        to_do="Start again. It usually takes less than a minute.",
        action=_start_again(shell, again),
    )


def not_accepted(shell: Shell, *, provider_name: str, told: bool | None, permissions: str | None) -> ErrorView:
    """Somebody has not accepted the documents. `told`: the Provider knows; None: what was there before goes on."""
    after = {
        True: f"{provider_name} was told to end the access that it had just given us.",
        False: f"{provider_name} could not be told to end the access that it had just given us. You can do it there.",
        None: "What you had before is as it was.",
    }[told]
    there = Link(label=f"See your permissions at {provider_name}", href=permissions) if permissions else None
    return ErrorView(
        shell=shell,
        status=200,
        title="You did not continue",
        happened=f"You were not signed in, and nothing was kept. {after}",
        to_do="If you change your mind, start again. Otherwise there is nothing to do.",
        action=there if told is False and there else _start_again(shell, None),
    )


def attempt_used(shell: Shell, *, status: int) -> ErrorView:
    """A sign-in came back twice, as after a second click, or in two tabs: the first one counts."""
    return ErrorView(
        shell=shell,
        status=status,
        title="This sign-in is done already",
        happened="It came back here twice, and the first time is the one that counts. Nothing went wrong.",
        to_do="Go on where it was first, or go to the application again: you are most likely signed in by now.",
        action=Link(label="Go to your account", href=shell.links.account),
    )


def declined(shell: Shell, *, status: int, provider_name: str, again: str | None = None) -> ErrorView:
    """The User said no at the Provider."""
    return ErrorView(
        shell=shell,
        status=status,
        title=f"You did not sign in with {provider_name}",
        happened=f"You, or {provider_name}, said no to the request. Nothing was kept and nothing has changed.",
        to_do="If that was a mistake, start again. Otherwise there is nothing to do.",
        action=_start_again(shell, again),
    )


def not_connected(shell: Shell, *, status: int, provider_name: str) -> ErrorView:
    """The User said no at the Provider while connecting a further account."""
    return ErrorView(
        shell=shell,
        status=status,
        title=f"{provider_name} was not connected",
        happened=f"You, or {provider_name}, said no to the request. Nothing was kept and nothing has changed.",
        to_do="If that was a mistake, connect it again. Otherwise there is nothing to do.",
        action=_back(shell),
    )


def leaving(shell: Shell, *, status: int) -> ErrorView:
    """The account is about to be erased, as its User asked."""
    return ErrorView(
        shell=shell,
        status=status,
        title="This account is about to be erased",
        happened="You, or your administrator, asked for it. Until then nothing can be done with it.",
        to_do="If you want to keep it, sign in once more from here. Otherwise there is nothing to do.",
        action=Link(label="Keep my account", href=f"{shell.links.sign_in}?return_to={shell.links.keep}"),
    )


def somebody_elses(shell: Shell, *, status: int, provider_name: str) -> ErrorView:
    """The account that was to be connected is another User's."""
    return ErrorView(
        shell=shell,
        status=status,
        title="This account belongs to somebody else",
        happened=(
            f"The {provider_name} account you chose already lets another person in here, so it was not connected. "
            "Nothing has changed."
        ),
        to_do="Connect another account. If both are yours, tell your administrator the reference below.",
        action=_back(shell),
    )


def provider_down(shell: Shell, *, status: int, provider_name: str, others: str | None = None) -> ErrorView:
    """The Provider does not answer. `others` is where another way in can be chosen."""
    return ErrorView(
        shell=shell,
        status=status,
        title=f"{provider_name} is not answering",
        happened=f"We asked {provider_name} to confirm who you are and got no usable answer. Nothing was kept.",
        to_do="Wait a few minutes and try again, or choose another way to sign in.",
        action=Link(label="See ways to sign in", href=others or shell.links.sign_in),
    )


def link_broken(shell: Shell, *, status: int) -> ErrorView:
    """An Application sent a request which cannot be answered safely."""
    return ErrorView(
        shell=shell,
        status=status,
        title="This link does not work",
        happened="The address that led you here is incomplete or has been changed, so we stopped. Nothing was kept.",
        to_do="Go back to the application and begin there. If it happens again, tell the people who run it.",
    )


def not_entitled(shell: Shell, *, status: int) -> ErrorView:
    """The User may not use the Application yet, as no Client has given them an Authorization for it."""
    return ErrorView(
        shell=shell,
        status=status,
        title="You cannot use this yet",
        happened="Nobody has given you an authorization for it, so it was not let in. Nothing has changed.",
        to_do="Ask your organisation's administrator for one, and then begin again.",
        action=Link(label="Go to your account", href=shell.links.account),
    )


def not_found(shell: Shell, *, status: int) -> ErrorView:
    """No page lives there, or none that this person may see."""
    return ErrorView(
        shell=shell,
        status=status,
        title="There is no page here",
        happened="The address may be mistyped, or the page may have been removed.",
        to_do="Check the address, or go to your account.",
        action=Link(label="Go to your account", href=shell.links.account),
    )


def too_many(shell: Shell, *, status: int, wait_seconds: int) -> ErrorView:
    """Somebody, or something, asked too often. `wait_seconds` until it may ask again."""
    minutes = -(-max(wait_seconds, 1) // 60)
    wait = "a minute" if minutes == 1 else f"{minutes} minutes"
    return ErrorView(
        shell=shell,
        status=status,
        title="Too many tries",
        happened="There were more requests from here than a person usually makes, so we paused them.",
        to_do=f"Wait {wait}, then try again.",
    )


def our_side(shell: Shell, *, status: int) -> ErrorView:
    """Something failed here."""
    return ErrorView(
        shell=shell,
        status=status,
        title="Something is down on our side",
        happened="It is not your doing, and we have been told about it. What you had before is as it was.",
        to_do="Wait a few minutes and try again. If it stays like this, tell your administrator the reference below.",
    )


def _back(shell: Shell) -> Link:
    return Link(label="Back to your connections", href=shell.links.connections)


def _start_again(shell: Shell, again: str | None) -> Link:
    return Link(label="Start again", href=again or shell.links.sign_in)
