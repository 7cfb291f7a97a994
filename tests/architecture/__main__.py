"""Draw ``docs/architecture`` anew: ``make rooms``.

The rooms are read from the code, the walks from a system that runs for it: a recognition, and an enrolment from its
first frame until it is live. A list of the walks stands in ``walks.json``.
"""

import json
import tempfile
from pathlib import Path

from architecture.drawing import rooms_picture, summary, walks_picture
from architecture.rooms import PAGE
from architecture.walking import walk

FOLDER = PAGE.with_suffix("")


def main() -> None:
    """Walk, draw, and say what was walked."""
    with tempfile.TemporaryDirectory(prefix="familiar-walk-") as folder:
        walks = walk(Path(folder))
    (FOLDER / "walks.json").write_text(json.dumps(walks, indent=1) + "\n")
    (FOLDER / "walks.svg").write_text(walks_picture(walks))
    (FOLDER / "rooms.svg").write_text(rooms_picture())
    for name, steps in walks.items():
        print(f"{name}: {summary(steps)}")


if __name__ == "__main__":
    main()
