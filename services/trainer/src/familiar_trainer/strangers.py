"""Strangers of the site: check the promise with pictures of people who are not enrolled, and correct it.

``python -m familiar_trainer.strangers FOLDER``. Pictures in FOLDER itself show anybody; those in a folder of it show
one person, the largest face. They are looked at as the gateway does and embedded by the backbone in service. What is
kept is a handful of numbers and how many pictures there were; a training puts them into service.
"""

import argparse
import json
import logging
import sys
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sqlalchemy.orm import Session

from familiar.errors import FamiliarError, InvalidInput
from familiar.knowing import Head
from familiar.learning import Cohort, Correction, Rate, cohort, promise, site
from familiar.records import Database, migrate, site_corrections, trainings, versions
from familiar.seeing import Observation, Observer, decode, detectors
from familiar.servable import BackboneMeta
from familiar.serving import Models, ServingClient
from familiar.settings import Settings
from familiar_trainer.reembedding import Embedder
from familiar_trainer.shelf import Candidate

_log = logging.getLogger(__name__)

_SUFFIXES = frozenset({".jpg", ".jpeg", ".png", ".webp"})
_BATCH = 32
_MOST_FACES = 100
_HARDLY_TRUE = 100.0
"""Times as many strangers named as promised, at the upper end of the interval. Sooner than that, one person was taken
for several: then the interval is wide, because chance decides how many of the pictures a bootstrap draws."""

Float32 = NDArray[np.float32]


@dataclass(frozen=True)
class Faces:
    """The usable faces of N strangers' pictures.

    Attributes:
        embeddings: float32[N, D].
        group: N words; faces of one group are one person's. Those of two may be as well.
        source: N names of where a face was seen, to tell the operator.
    """

    embeddings: Float32
    group: Sequence[str]
    source: Sequence[str]


@dataclass(frozen=True)
class Finding:
    """What strangers say of the live head.

    Attributes:
        people: how many different ones there were, without those taken for enrolled.
        enrolled: where faces were seen that are taken for somebody enrolled and were left out.
        enrolled_people: how many people these are.
        named: share of the strangers that the live head would name.
        correction: what has to be corrected; None where there are too few people, or no cohort to compare with.
    """

    people: int
    enrolled: tuple[str, ...]
    enrolled_people: int
    named: Rate
    correction: Correction | None


def judge(faces: Faces, head: Head, cohort: Cohort, far_target: float) -> Finding:
    """Compare strangers with what ``cohort`` expects; ``head`` is the live one, whose people are no strangers."""
    person = site.same_people(faces.embeddings, np.unique(faces.group, return_inverse=True)[1], cohort)
    known = np.unique(person[site.enrolled(faces.embeddings, head, cohort, far_target)])
    strange = ~np.isin(person, known)
    embeddings, person = faces.embeddings[strange], np.unique(person[strange], return_inverse=True)[1]
    people = int(person.max(initial=-1)) + 1
    named = head.identify(embeddings).known
    # Everybody counts once, by the share of their faces that are named.
    hits = (np.bincount(person, named, people) / np.bincount(person, minlength=people)).sum()
    enough = cohort.fitted and people >= site.LEAST_PEOPLE
    return Finding(
        people,
        tuple(source for source, is_strange in zip(faces.source, strange, strict=True) if not is_strange),
        len(known),
        Rate.of(round(float(hits)), people),
        site.measure(embeddings, person, cohort) if enough else None,
    )


def look(folder: Path, observer: Observer, models: Embedder, version: int) -> tuple[Faces, dict[str, int]]:
    """Return the usable faces of the pictures in ``folder``, and how many pictures came to what.

    Counted are ``pictures``, ``unreadable`` ones, those with ``no_face``, the ``faces`` found, those ``used``, and the
    others by the first reason for which they were refused.

    Raises:
        InvalidInput: there is no such folder, or no picture in it.
        ServingUnavailable: Serving has not got that version of the backbone, or does not answer.
    """
    meta, audit = models.backbone(version), Counter[str](pictures=0, unreadable=0, no_face=0, faces=0, used=0)
    found = _faces(_pictures(folder), observer, meta, audit)
    rows: list[Float32] = [np.zeros((0, meta.dim), np.float32)]
    group: list[str] = []
    source: list[str] = []
    for batch in _batches(found):
        rows.append(models.embed(np.stack([face.chip for _, _, face in batch]), version))
        group += [of for of, _, _ in batch]
        source += [name for _, name, _ in batch]
    if not audit["pictures"]:
        raise InvalidInput(f"{folder} holds no JPEG, PNG or WebP picture")
    return Faces(np.concatenate(rows), group, source), dict(audit)


_Found = tuple[str, str, Observation]
"""Whose face, where it was seen, and the face."""


def _faces(
    pictures: Iterable[tuple[str, Path]], observer: Observer, meta: BackboneMeta, audit: Counter[str]
) -> Iterator[_Found]:
    for group, path in pictures:
        audit["pictures"] += 1
        try:
            frame = decode(path.read_bytes())
        except InvalidInput as exc:
            _log.warning("%s: %s", path, exc)
            audit["unreadable"] += 1
            continue
        faces = observer.observe(frame, meta.input_px, 1 if group else _MOST_FACES)
        audit["no_face"] += not faces
        for place, face in enumerate(faces):
            audit["faces"] += 1
            if face.reasons:
                audit[face.reasons[0].value] += 1
                continue
            audit["used"] += 1
            yield group or f"{path}\0{place}", str(path), face


def _pictures(folder: Path) -> Iterator[tuple[str, Path]]:
    """Yield (name of the person's folder, "" for none, path) of each picture."""
    if not folder.is_dir():
        raise InvalidInput(f"{folder} is no folder")
    for path in sorted(folder.rglob("*")):
        if path.suffix.lower() in _SUFFIXES and path.is_file():
            inside = path.relative_to(folder).parts
            yield inside[0] if len(inside) > 1 else "", path


def _batches(found: Iterable[_Found]) -> Iterator[list[_Found]]:
    batch: list[_Found] = []
    for each in found:
        batch.append(each)
        if len(batch) == _BATCH:
            yield batch
            batch = []
    if batch:
        yield batch


def check(
    folder: Path,
    database: Database,
    models: Embedder,
    observer: Observer,
    far_target: float,
    *,
    keep: bool = True,
    anyway: bool = False,
) -> dict[str, Any]:
    """Look at the strangers in ``folder``, keep the correction that they call for, and return what came of it.

    A correction that is kept replaces the one before, and a training is asked for. Too few people leave all as it is.
    One that is hardly true is kept only if ``anyway``.

    Raises:
        InvalidInput: there is no picture to look at, or what they say is hardly true.
        Unavailable: database or Serving is away.
    """
    with database.read() as session:
        row = versions.live_head(session)
        live = Candidate.stored(row) if row is not None else None
        backbones = {row.version: row.meta for row in versions.backbones(session)}
    if live is None or live.meta.backbone_version not in backbones:
        raise InvalidInput("no head is in service yet; the bootstrap puts the first one there")
    version = live.meta.backbone_version
    faces, audit = look(folder, observer, models, version)
    meta = BackboneMeta.from_dict(backbones[version])
    finding = judge(faces, live.head, cohort.load(meta.name, meta.dim, meta.metric), far_target)
    audit |= {"people": finding.people, "enrolled": finding.enrolled_people}
    correction, share = finding.correction, promise.share_of_pairs(far_target, max(len(live.head.person_ids), 1))
    told = {
        "pictures": audit,
        "taken_for_enrolled": list(finding.enrolled),
        "live": {
            "head_version": live.version,
            "expected": live.meta.metrics.get("fpir"),
            "named": {"value": finding.named.value, "low": finding.named.low, "high": finding.named.high},
        },
        "site": correction and correction.report(share),
        "job": None,
    }
    if keep and correction is not None:
        most = correction.times(share).high
        if most > _HARDLY_TRUE and not anyway:
            raise InvalidInput(
                f"up to {most:.0f} times as many of these strangers would be named as promised, which is hardly true: "
                "put pictures of one person into one folder for each person, hand in more people, or add --anyway"
            )
        told["job"] = database.retry(
            lambda session: _keep(session, version, correction, {name: told[name] for name in _KEPT})
        )
    return told


_KEPT = ("pictures", "live", "site")
"""Of what is told, what stays beside the correction: numbers only, no name of a file."""


def forget(database: Database) -> str | None:
    """Delete the correction and return the training that takes it out of service; None if there was none."""
    return database.retry(lambda session: trainings.ask(session).id if site_corrections.drop(session) else None)


def _keep(session: Session, version: int, correction: Correction, audit: Mapping[str, Any]) -> str:
    site_corrections.put(session, backbone_version=version, numbers=correction.to_dict(), audit=dict(audit))
    # The reconciler puts it on the queue within a second; so this needs no Redis.
    return trainings.ask(session).id


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; the exit status is 0 if it did what was asked, 1 if it could not, 2 for wrong usage."""
    options = _parser().parse_args(arguments)
    try:
        settings = Settings.from_env()
        logging.basicConfig(level=settings.log_level, format="%(levelname)s %(message)s")
        database = Database(settings.database_url)
        migrate.check(database)
        print(json.dumps(_run(options, settings, database), indent=2))
        database.close()
    except (FamiliarError, OSError) as exc:
        print(f"familiar-strangers: {exc}", file=sys.stderr)
        return 1
    return 0


def _run(options: argparse.Namespace, settings: Settings, database: Database) -> dict[str, Any]:
    if options.forget:
        return {"job": forget(database)}
    if options.show:
        with database.read() as session:
            row = site_corrections.current(session)
        return {"correction": None} if row is None else {"correction": row.numbers, **row.audit}
    models = Models(ServingClient(settings.serving_addr, timeout_s=settings.serving_timeout_s))
    observer = Observer(detectors.create(settings.detector, settings.search_pixels))
    return check(
        options.folder, database, models, observer, settings.far_target, keep=not options.check, anyway=options.anyway
    )


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="familiar-strangers",
        description="Check and correct the promise with pictures of people who are not enrolled. "
        "Nothing of the pictures is kept but a handful of numbers.",
    )
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("folder", type=Path, nargs="?", metavar="FOLDER", help="pictures, or one folder for each person")
    what.add_argument("--show", action="store_true", help="show the correction that is kept")
    what.add_argument("--forget", action="store_true", help="delete the correction that is kept")
    parser.add_argument("--check", action="store_true", help="only say what would be corrected")
    parser.add_argument("--anyway", action="store_true", help="correct by what is hardly true as well")
    return parser


if __name__ == "__main__":
    sys.exit(main())
