"""Learning: from samples to a head with a calibrated threshold, and whether it may replace the one in service."""

from familiar.learning import candidates, cohort, metric, negatives, promise, site
from familiar.learning.admission import Admission, Refusal, admit
from familiar.learning.calibration import Rate
from familiar.learning.cohort import Cohort
from familiar.learning.comparison import Loss, worse_than
from familiar.learning.correction import Correction
from familiar.learning.gallery import Gallery, Row
from familiar.learning.learned import Learned, learn
from familiar.learning.likeness import Likeness, compare, share_named, strays
from familiar.learning.metric import Metric
from familiar.learning.mixture import Mixture
from familiar.learning.negatives import Negative

__all__ = [
    "Admission",
    "Cohort",
    "Correction",
    "Gallery",
    "Learned",
    "Likeness",
    "Loss",
    "Metric",
    "Mixture",
    "Negative",
    "Rate",
    "Refusal",
    "Row",
    "admit",
    "candidates",
    "cohort",
    "compare",
    "learn",
    "metric",
    "negatives",
    "promise",
    "share_named",
    "site",
    "strays",
    "worse_than",
]
