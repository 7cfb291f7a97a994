"""Photos: how fast folders of real pictures are sorted, and what each picture and each face costs."""

import os
import shutil
import sqlite3
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import psutil

from bench.figures import Figures
from bench.gallery import settle
from bench.processes import cpu_s
from client import Client
from processes import family, resident_bytes
from system import System, wait_until

PEOPLE, PICTURES = 300, 2_000
ENROLLED, LEARN = 20, 10
MANY = 10_000
_PAGE = 1_000
_DEADLINE_S = 3_600.0

Sitters = Mapping[str, Sequence[Path]]
"""The pictures of people, by name."""


def photos(quick: bool) -> Iterator[tuple[str, Figures]]:
    """Yield figures of a folder of 2,000 pictures of 300 people, and, unless ``quick``, of one of 10,000."""
    sitters, again = _sitters("lfw"), _sitters("lfw_color")
    if not sitters:
        yield "photos", {"not measured": "FAMILIAR_DATA has no lfw"}
        return
    most = sorted(sitters, key=lambda name: -len(sitters[name]))[:PEOPLE]
    enrolled = {name: sitters[name][:LEARN] for name in most[:ENROLLED]}
    mixed = [path for name in most for path in sitters[name] if path not in enrolled.get(name, ())]
    chosen = [mixed[at] for at in np.random.default_rng(1).permutation(len(mixed))[:PICTURES]]
    with _system() as (system, folder):
        client = system.client()
        for name, learn in enrolled.items():
            client.enroll(name, [path.read_bytes() for path in learn], if_known="new", if_not_alike="take")
        settle(client)
        system.start("photos")
        title = f"photos, {len(chosen):,} pictures of {len({path.parent for path in chosen})} people"
        yield title, _sorted(system, client, _folder(folder / "some", chosen))
        if not quick:
            # All there are, and as many of them in colour as are missing.
            every = [path for kind in (sitters, again) for paths in kind.values() for path in paths][:MANY]
            yield f"photos, {len(every):,} pictures", _sorted(system, client, _folder(folder / "many", every))


def _sitters(kind: str) -> Sitters:
    root = Path(os.environ.get("FAMILIAR_DATA", "../shared/data")) / kind
    return {each.name: sorted(each.glob("*.jpg")) for each in sorted(root.glob("*")) if each.is_dir()}


@contextmanager
def _system() -> Iterator[tuple[System, Path]]:
    """Give a system that may read a folder of its own, and that folder."""
    with tempfile.TemporaryDirectory(prefix="familiar-bench-") as folder:
        root = Path(folder) / "photos"
        root.mkdir()
        system = System(Path(folder) / "state", PHOTOS_DIRS=str(root))
        try:
            yield system.up(), root
        finally:
            system.down()


def _folder(folder: Path, pictures: Sequence[Path]) -> Path:
    """Copy pictures into a folder, one below it for each person and kind."""
    for path in pictures:
        place = folder / path.parent.parent.name / path.parent.name
        place.mkdir(parents=True, exist_ok=True)
        shutil.copy(path, place)
    return folder


def _sorted(system: System, client: Client, folder: Path) -> Figures:
    """Have a folder sorted and look on."""
    waiting_mb = round(resident_bytes(family(system.pid("photos"))[:1]) / 1e6)
    answering, before_mb, used_s = cpu_s(system), _database_mb(system), _used_s(system)
    start = time.perf_counter()
    job_id = client.call("POST", "/v1/photos", 201, json={"folder": str(folder)})["id"]
    peaks: Counter[str] = Counter()
    seen: list[tuple[float, dict[str, Any]]] = []

    def done() -> bool:
        _, *children = family(system.pid("photos"))
        for part, processes in (("sorter", children), ("modelserver", family(system.pid("modelserver")))):
            peaks[part] = max(peaks[part], round(resident_bytes(processes) / 1e6))
        if not seen or time.perf_counter() - seen[-1][0] > 0.5:
            seen.append((time.perf_counter(), client.call("GET", f"/v1/photos/{job_id}")))
        assert seen[-1][1]["status"] != "failed", seen[-1][1]
        return bool(seen[-1][1]["status"] == "done")

    wait_until(done, _DEADLINE_S, "the folder is sorted")
    took_s, told = time.perf_counter() - start, seen[-1][1]
    looked = next(at for at, each in seen if each["files"] == told["files"])
    halfway = next(at for at, each in seen if each["files"] >= told["files"] / 2)
    wait_until(lambda: len(family(system.pid("photos"))) == 1, 30, "the job's process has ended")
    pictures, faces = told["files"], max(told["faces"], 1)
    poor, pure, whole = _judged(client, job_id)
    return {
        "seconds": round(took_s, 1),
        "pictures a second": round(pictures / took_s, 1),
        "pictures a second, second half": round(pictures / 2 / max(looked - halfway, 0.1), 1),
        "naming and grouping, at most s": round(start + took_s - looked + 0.5, 1),
        "sorter, cpu ms a picture": round(1000 * (_used_s(system) - used_s) / pictures, 1),
        "model server, gateway and Redis, cpu ms": round(1000 * (cpu_s(system) - answering) / pictures, 1),
        "sorter waiting, mb": waiting_mb,
        "sorter at work, mb at most": peaks["sorter"],
        "model server, mb at most": peaks["modelserver"],
        "faces": told["faces"],
        "too poor to be asked about": poor,
        "broken": told["broken"],
        "people / strangers": [told["people"], told["strangers"]],
        "database, kb a face": round(1000 * (_database_mb(system) - before_mb) / faces, 1),
        "database, mb more": round(_database_mb(system) - before_mb, 1),
        "pairs pure / whole, %": [round(100 * pure, 1), round(100 * whole, 1)],
    }


def _used_s(system: System) -> float:
    """Return the processor time of the sorter and of all its processes that have ended."""
    times = psutil.Process(system.pid("photos")).cpu_times()
    return float(times.user + times.system + times.children_user + times.children_system)


def _database_mb(system: System) -> float:
    with closing(sqlite3.connect(system.folder / "familiar.db", timeout=30)) as database:
        pages, size = (database.execute(f"PRAGMA {each}").fetchone()[0] for each in ("page_count", "page_size"))
    return float(pages * size / 1e6)


def _judged(client: Client, job_id: str) -> tuple[int, float, float]:
    """Return (faces too poor to be asked about, precision, recall) of pairs of the others.

    Who is on a picture is told by the folder it comes from, if there is one face on it.
    """
    faces: list[dict[str, Any]] = []
    total = 1
    while len(faces) < total:
        part = client.call("GET", f"/v1/photos/{job_id}/faces", params={"limit": _PAGE, "offset": len(faces)})
        total, faces = part["total"], faces + part["faces"]
    alone = Counter(face["files"][0] for face in faces)
    asked = [face for face in faces if face["person"] or face["stranger"]]
    judged = [
        (face["person"]["id"] if face["person"] else face["stranger"], Path(face["files"][0]).parent.name)
        for face in asked
        if alone[face["files"][0]] == 1
    ]
    both, together, same = (
        sum(count * (count - 1) // 2 for count in Counter(each).values())
        for each in (judged, [whose for whose, _ in judged], [name for _, name in judged])
    )
    return len(faces) - len(asked), both / max(together, 1), both / max(same, 1)
