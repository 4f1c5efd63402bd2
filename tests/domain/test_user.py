"""Who may sign in."""

from __future__ import annotations

import pytest

from broker.domain.errors import Refusal
from broker.domain.user import User, UserStatus, require_active
from tests.domain.world import ADA, NOW


def test_an_active_user_may_sign_in() -> None:
    """Nothing is raised."""
    require_active(User(id=ADA, status=UserStatus.ACTIVE, created_at=NOW))


@pytest.mark.parametrize("status", [status for status in UserStatus if status is not UserStatus.ACTIVE])
def test_every_other_user_is_refused(status: UserStatus) -> None:
    """Also one of a status that is added later."""
    with pytest.raises(Refusal) as refused:
        require_active(User(id=ADA, status=status, created_at=NOW))

    assert refused.value.code == ("account_leaving" if status is UserStatus.LEAVING else "account_disabled")
    assert ADA not in refused.value.sentence
