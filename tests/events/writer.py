"""Note visits as a gateway does, until there are so many events: ``python -m events.writer URL EVENTS``."""

import sys
import time

from events.__main__ import CAMERAS
from familiar.records import Database, Glimpse, events, visits
from familiar.records.person import new_id

_TERMS = visits.Terms(gap_s=60, unknown_frames=1)
_AT_ONCE = 16


def main() -> int:
    """Write until there are enough."""
    database, most = Database(sys.argv[1]), int(sys.argv[2])
    while True:
        with database.read() as session:
            written = events.newest(session)
        if written >= most:
            return 0
        many = min(_AT_ONCE, most - written)
        glimpses = [
            Glimpse(time.time(), CAMERAS[each % len(CAMERAS)], None, None, new_id(), 0, 1, sighting_id=new_id())
            for each in range(many)
        ]
        database.retry(lambda session, seen=glimpses: visits.note(session, seen, _TERMS))
        time.sleep(0.01)


if __name__ == "__main__":
    sys.exit(main())
