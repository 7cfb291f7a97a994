"""How much a frame counts among several of one face."""

from familiar.seeing.quality import Quality
from familiar.seeing.weight import weigh


def test_a_sharp_near_frontal_frame_weighs_most() -> None:
    good = Quality(60, 4, 120, 0, 0, 0, 1)
    others = [Quality(60, 0.5, 120, 0, 0, 0, 1), Quality(15, 4, 120, 0, 0, 0, 1), Quality(60, 4, 120, 55, 0, 0, 1)]
    weights = weigh([good, *others])
    assert weights[0] == 1
    assert (weights[1:] < 0.7).all()
    assert (weights >= 0.05).all()
