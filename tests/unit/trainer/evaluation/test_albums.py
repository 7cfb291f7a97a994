"""Albums: what is chosen on one half of the people, from folders of that half alone."""

from familiar_trainer.evaluation.albums import SHARES, Outcome, chosen_on, table


def outcome(half: int, share: float, precision: float, album: str = "as they are") -> Outcome:
    return Outcome(half, album, share, 300, 2000, 400, 350, precision, 0.95, 0.3)


def outcomes(half: int, pure: int, album: str = "as they are") -> list[Outcome]:
    """Return folders of a half that are pure with so many of the shares."""
    return [outcome(half, share, 0.995 if at < pure else 0.98, album) for at, share in enumerate(SHARES)]


def test_the_greatest_share_up_to_which_all_folders_of_a_half_are_pure_is_chosen():
    mine, other = outcomes(0, 4) + outcomes(0, 3, "20 at most"), outcomes(1, 1)
    assert chosen_on(mine + other, 0) == SHARES[2]
    assert chosen_on(mine + other, 1) == SHARES[0]


def test_a_share_beyond_an_impure_one_is_not_chosen():
    rows = [outcome(0, share, 0.98 if share == SHARES[1] else 1.0) for share in SHARES]
    assert chosen_on(rows, 0) == SHARES[0]


def test_where_none_or_all_are_pure_the_least_or_the_greatest_is():
    assert chosen_on(outcomes(0, 0), 0) == SHARES[0]
    assert chosen_on(outcomes(0, len(SHARES)), 0) == SHARES[-1]


def test_the_table_marks_what_was_chosen_on_the_other_half():
    told = table(outcomes(0, 3) + outcomes(1, 1))
    marked = [line for line in told.splitlines() if "**" in line]
    assert len(marked) == 2
    assert f"| 0 | as they are | {100 * SHARES[0]:g} % ** |" in marked[0]
    assert f"| 1 | as they are | {100 * SHARES[2]:g} % ** |" in marked[1]
