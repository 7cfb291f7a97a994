"""The errors that the system raises on purpose."""

from familiar import errors
from familiar.errors import FamiliarError


def test_every_error_has_a_code_of_its_own_and_says_whether_to_retry() -> None:
    kinds = [kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, FamiliarError)]
    assert len({kind.code for kind in kinds}) == len(kinds)
    assert all(issubclass(kind, errors.Unavailable) == kind.retryable for kind in kinds)
