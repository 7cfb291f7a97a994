"""Sights kept between runs, so that only what is new is looked at: detection and embedding take all the time."""

from __future__ import annotations

import json
import logging
import os
import sqlite3
from collections.abc import Callable, Sequence
from pathlib import Path

from familiar.knowing import from_blob, to_blob
from familiar.seeing import Quality
from familiar_trainer.evaluation.pictures import Picture
from familiar_trainer.evaluation.sight import Pipeline, Sight, Sights

_log = logging.getLogger(__name__)

_CHUNK = 64
_REPORT = 1024


def default_folder() -> Path:
    """Return where caches of this user lie."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "familiar"


class SightCache:
    """A file with sights by pipeline identity and content of the picture; usable from several processes at once."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._base = sqlite3.connect(folder / "sights.sqlite", timeout=60)
        self._base.execute("PRAGMA journal_mode=WAL")
        self._base.execute(
            "CREATE TABLE IF NOT EXISTS sight"
            " (pipeline TEXT, content TEXT, faces INTEGER, quality TEXT, embedding BLOB,"
            " PRIMARY KEY (pipeline, content)) WITHOUT ROWID"
        )

    def close(self) -> None:
        """Close the file."""
        self._base.close()

    def see(self, pipeline: Pipeline, pictures: Sequence[Picture], places: Sequence[int] | None = None) -> Sights:
        """Return what ``pipeline`` sees on ``pictures``, or only on those at ``places``; new ones are looked at."""
        places = range(len(pictures)) if places is None else places

        def look(wanted: list[int]) -> list[Sight]:
            return pipeline.see([pictures[places[i]].path.read_bytes() for i in wanted])

        sights = self.recall(pipeline.identity, [pictures[place].content for place in places], look)
        return Sights.of(pipeline, len(pictures), dict(zip(places, sights, strict=True)))

    def recall(self, identity: str, contents: Sequence[str], look: Callable[[list[int]], list[Sight]]) -> list[Sight]:
        """Return a sight for each of ``contents``; ``look`` is asked for those not kept, by their places."""
        known = self._get(identity, contents)
        missing = list({key: place for place, key in enumerate(contents) if key not in known}.values())
        for start in range(0, len(missing), _CHUNK):
            places = missing[start : start + _CHUNK]
            fresh = {contents[place]: sight for place, sight in zip(places, look(places), strict=True)}
            self._put(identity, fresh)
            known |= fresh
            if start // _REPORT != (start + _CHUNK) // _REPORT:
                _log.info("looked at %d of %d pictures", start + len(places), len(missing))
        return [known[key] for key in contents]

    def _get(self, identity: str, contents: Sequence[str]) -> dict[str, Sight]:
        """Return the sights that are kept, by content."""
        rows = self._base.execute(
            "SELECT content, faces, quality, embedding FROM sight WHERE pipeline = ?", (identity,)
        )
        wanted = set(contents)
        return {
            content: Sight(
                faces,
                Quality(**json.loads(quality)) if quality else None,
                None if embedding is None else from_blob(embedding),
            )
            for content, faces, quality, embedding in rows
            if content in wanted
        }

    def _put(self, identity: str, sights: dict[str, Sight]) -> None:
        """Keep sights by content."""
        with self._base:
            self._base.executemany(
                "INSERT OR REPLACE INTO sight VALUES (?, ?, ?, ?, ?)",
                [
                    (
                        identity,
                        content,
                        sight.faces,
                        None if sight.quality is None else json.dumps(vars(sight.quality)),
                        None if sight.embedding is None else to_blob(sight.embedding),
                    )
                    for content, sight in sights.items()
                ],
            )
