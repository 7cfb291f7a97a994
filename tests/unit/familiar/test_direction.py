import pytest

from familiar.direction import Direction, direction_of


@pytest.mark.parametrize(
    "yaw,pitch,direction",
    [
        (0, -5, Direction.STRAIGHT),
        (8, -2, Direction.STRAIGHT),
        (20, -5, Direction.LEFT),
        (-20, -5, Direction.RIGHT),
        (0, 10, Direction.UP),
        (0, -20, Direction.DOWN),
        (40, 8, Direction.LEFT),
        (13, 20, Direction.UP),
    ],
)
def test_a_face_looks_where_the_head_is_turned_to_most(yaw, pitch, direction):
    assert direction_of(yaw, pitch) is direction
