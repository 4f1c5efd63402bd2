"""Questions that come at once travel together; nobody waits for company, and nobody for ever."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import pytest

from broker.storage.gathered import MOST, UNDER_WAY, Gathered, Question

pytestmark = pytest.mark.anyio


class Database:
    """Answers each question with what is its own, when it is let; `asked` are those of each journey."""

    def __init__(self) -> None:
        self.asked: list[list[str]] = []
        self.go_on = asyncio.Event()
        self.ask = Gathered(self.answer)

    async def answer(self, questions: Sequence[Question]) -> list[str]:
        self.asked.append([str(question.about) for question in questions])
        await self.go_on.wait()
        if any(question.own == ("broken",) for question in questions):
            raise ConnectionError("broken")
        return [f"{question.shared[0]}: {question.own[0]}" for question in questions]

    def asking(self, about: str, own: str = "yes", *, shared: str = "now", within: float = 60) -> asyncio.Task[str]:
        question = Question(about=about, own=(own,), shared=(shared,))
        return asyncio.create_task(self.ask(question, within=within))


async def settled() -> None:
    """Everybody who can go on has done so."""
    for _ in range(10):
        await asyncio.sleep(0)


async def one_by_one(database: Database, *abouts: str) -> list[asyncio.Task[str]]:
    """Each comes when the one before has set out, if it can."""
    asked = []
    for about in abouts:
        asked.append(database.asking(about))
        await settled()
    return asked


async def test_one_alone_sets_out_at_once() -> None:
    """There is nobody to wait for."""
    database = Database()
    database.go_on.set()

    assert await database.asking("a") == "now: yes"
    assert database.asked == [["a"]]


async def test_all_who_come_at_one_moment_are_one_question() -> None:
    """Each has its own answer."""
    database = Database()
    database.go_on.set()
    answers = await asyncio.gather(*(database.asking(str(number), own=str(number)) for number in range(16)))

    assert answers == [f"now: {number}" for number in range(16)]
    assert len(database.asked) == 1


async def test_who_comes_while_enough_are_under_way_goes_with_the_next() -> None:
    """So the longer the database takes, the more travel together."""
    database = Database()
    asked = await one_by_one(database, "a", "b", "c", "d")
    assert database.asked == [["a"], ["b"]]
    assert len(database.asked) == UNDER_WAY
    database.go_on.set()

    assert set(await asyncio.gather(*asked)) == {"now: yes"}
    assert database.asked == [["a"], ["b"], ["c", "d"]]


async def test_two_about_the_same_never_travel_together() -> None:
    """The second one finds what the first one did."""
    database = Database()
    asked = [database.asking(about) for about in "aabab"]
    await settled()
    database.go_on.set()
    await asyncio.gather(*asked)

    assert database.asked == [["a", "b"], ["a", "b"], ["a"]]


async def test_what_has_not_all_in_common_does_not_travel_together() -> None:
    """Such as the second in which it is asked."""
    database = Database()
    database.go_on.set()
    shared = ("now", "later", "now")
    answers = await asyncio.gather(*(database.asking(str(n), shared=at) for n, at in enumerate(shared)))

    assert answers == ["now: yes", "later: yes", "now: yes"]
    assert sorted(database.asked) == [["0", "2"], ["1"]]


async def test_a_crowd_is_divided() -> None:
    """A statement does not grow without end."""
    database = Database()
    database.go_on.set()
    await asyncio.gather(*(database.asking(str(number)) for number in range(MOST + 1)))

    assert [len(together) for together in database.asked] == [MOST, 1]


async def test_a_failure_is_told_to_all_who_travelled_and_to_nobody_else() -> None:
    """The next journey is another one."""
    database = Database()
    asked = [database.asking("a"), database.asking("b", own="broken")]
    await settled()
    asked += await one_by_one(database, "c", "d")
    database.go_on.set()
    answers = await asyncio.gather(*asked, return_exceptions=True)

    assert [type(answer).__name__ for answer in answers] == ["ConnectionError", "ConnectionError", "str", "str"]
    assert await database.asking("b") == "now: yes"


async def test_who_waits_too_long_is_told_and_does_not_set_out_any_more() -> None:
    """The others get their answers."""
    database = Database()
    asked = await one_by_one(database, "a", "b")
    late, patient = database.asking("c", within=0.01), database.asking("d")
    with pytest.raises(TimeoutError):
        await late
    database.go_on.set()
    await asyncio.gather(*asked, patient)

    assert database.asked == [["a"], ["b"], ["d"]]


async def test_who_goes_away_on_the_way_keeps_no_answer_from_the_others() -> None:
    """Also where it fails for all of them."""
    for own in ("yes", "broken"):
        database = Database()
        gone, stays = database.asking("a"), database.asking("b", own=own)
        await settled()
        gone.cancel()
        await settled()
        database.go_on.set()
        (answer,) = await asyncio.gather(stays, return_exceptions=True)

        assert type(answer) is (str if own == "yes" else ConnectionError)
