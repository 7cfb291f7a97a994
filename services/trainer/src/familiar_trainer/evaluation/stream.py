"""The stream: what is gained when a system learns from what it has recognised, and what gets in by that.

``python -m familiar_trainer.evaluation.stream --data FOLDER --colour FOLDER``. People are enrolled with their first
pictures, everybody else's and their own later ones come by, and the head answers before anything is learned from them.
Metric and cohort are fitted to one half of the people and the other one comes by, both ways.
"""

from __future__ import annotations

import argparse
import logging
import sys
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from familiar import learning
from familiar.knowing import Head
from familiar.learning import Cohort, Gallery, Learned, admit, worse_than
from familiar.seeing import QualityLimits
from familiar_trainer import backbones
from familiar_trainer.evaluation import ageing, attack, charts
from familiar_trainer.evaluation.cache import SightCache, default_folder
from familiar_trainer.evaluation.course import BLOCKS, Course
from familiar_trainer.evaluation.fitting import numbers, twins
from familiar_trainer.evaluation.folds import Faces, Fold, folds
from familiar_trainer.evaluation.passersby import Look, Stream, stream_of
from familiar_trainer.evaluation.pictures import People, UnusableData
from familiar_trainer.evaluation.pipelines import AlignedFaces, Embedder
from familiar_trainer.evaluation.sight import Sights
from familiar_trainer.evaluation.teaching import WAYS, Lesson, Notes, Said

TARGET, LENIENT = 0.001, 0.01
LEAST_PEOPLE = 1_000
AGEING = "grey, ageing"
COMPARED = ("nothing", "ask, of all", "auto")
PARTS = ("stream", "ageing", "attack")


def follow(stream: Stream, look: Look, cohort: Cohort, way: str, target: float) -> Course:
    """Enrol, then answer, teach and train in turn. ``way`` is one of ``WAYS``, ``target`` the share of strangers."""
    lesson, teach = Lesson(stream, look, cohort, target), WAYS[way]()
    notes = Notes.of(stream, look)
    enrolled, refused = len(notes.samples), 0
    head = lesson.learn(notes).head
    named = np.full(len(stream.asked), -1, np.intp)
    blocks = np.array_split(np.arange(len(stream.asked)), BLOCKS)
    for events in blocks:
        said = Said.by(head, stream, look, events)
        named[events] = said.named
        before = len(notes.samples), len(notes.negatives)
        teach(lesson, said, notes)
        if (len(notes.samples), len(notes.negatives)) != before:
            head, gone = _trained(lesson, head, notes, before[0])
            refused += gone
    return _course(stream, blocks, named, len(notes.samples) - enrolled, notes.wrong(), refused)


def _trained(lesson: Lesson, live: Head, notes: Notes, before: int) -> tuple[Head, int]:
    """Return the next head, and how many samples, of those from ``before`` on, it was not made of.

    What people said is learned in any case. What was taken of one person since the last head is admitted or refused as
    a whole, as an enrolment is.
    """
    learned = lesson.learn(notes)
    fresh = [sample.person_id for sample in notes.samples[before:] if sample.taken_on is not None]
    if not fresh or not worse_than(live, learned, notes.gallery()):
        return learned.head, 0
    captures = [(person_id, person_id) for person_id in dict.fromkeys(fresh)]

    def without(refused: Collection[str]) -> Gallery:
        return notes.without(before, refused).gallery()

    def learn(gallery: Gallery) -> Learned:
        return learning.learn(gallery, lesson.cohort, lesson.target, negatives=notes.negatives)

    admission = admit(captures, (notes.gallery(), learned), without, learn)
    kept = notes.without(before, {refusal.capture for refusal in admission.refused})
    gone = len(notes.samples) - len(kept.samples)
    notes.samples, notes.truth = kept.samples, kept.truth
    return admission.learned.head, gone


def _course(
    stream: Stream, blocks: Sequence[NDArray[np.intp]], named: NDArray[np.intp], learned: int, poisoned: int,
    refused: int,
) -> Course:  # fmt: skip
    known, block = stream.person >= 0, np.repeat(np.arange(BLOCKS), [len(events) for events in blocks])
    missed, late = known & (named != stream.person), block >= BLOCKS // 2

    def counted(which: NDArray[np.bool_]) -> NDArray[np.intp]:
        return np.bincount(block[which], minlength=BLOCKS)

    each = [np.bincount(stream.person[which & late], minlength=len(stream.people)) for which in (missed, known)]
    return Course(
        counted(missed), counted(known), counted(missed & (named >= 0)), counted(~known & (named >= 0)),
        counted(~known), np.stack(each), learned, poisoned, refused,
    )  # fmt: skip


Row = tuple[str, str, float, Course]
"""(camera, way, target, what came of it)"""


def outcomes(
    streams: Sequence[tuple[Stream, Look, Cohort]], camera: str, ways: Sequence[str], target: float
) -> Iterator[Row]:
    """Follow every stream in every way, and add up by way."""
    for way in ways:
        courses = [follow(stream, look, cohort, way, target) for stream, look, cohort in streams]
        yield camera, way, target, sum(courses[1:], courses[0])


def table(rows: Sequence[Row]) -> str:
    """Return a Markdown table; FNIR is of the last half of the stream, all else of the whole one."""
    lines = [
        "| camera | promise | learned | samples | of them wrong | refused | FNIR % | each person once % | wrong names "
        "| strangers named | recognitions |",
        "| --- | --- | --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |",
    ]
    lines += [
        f"| {camera} | 1 in {round(1 / target):,} | {way} | {course.learned:,} | {course.poisoned} | "
        f"{course.refused} | {100 * course.fnir:.2f} | {100 * course.macro_fnir:.2f} | {course.wrong.sum()} | "
        f"{course.named.sum()} of {course.strangers.sum():,} | {course.recognitions:,} |"
        for camera, way, target, course in rows
    ]
    return "\n".join(lines)


@dataclass(frozen=True)
class Half:
    """One half of the people as they come by, and the fold that the other one was fitted in."""

    fold: Fold
    stream: Stream

    def seen(self, sights: Sights) -> tuple[Stream, Look, Cohort]:
        """Return what ``follow`` takes, of sights without a metric."""
        return self.stream, Look.of(sights, self.fold.space.metric), self.fold.space.cohort


def aged(half: Half, people: People, pipeline: AlignedFaces, cache: SightCache, new: Sights) -> Sights:
    """Return what a camera shows that is ``new`` when people are enrolled, and gets old while the stream goes by."""
    asked = half.stream.asked
    ages = np.arange(1, len(asked) + 1) / len(asked)
    seen = ageing.look(pipeline, cache, [people.pictures[place] for place in asked], ages.tolist())
    embeddings, faces, quality = new.embeddings.copy(), new.faces.copy(), list(new.quality)
    embeddings[asked], faces[asked] = seen.embeddings, seen.faces
    for place, each in zip(asked.tolist(), seen.quality, strict=True):
        quality[place] = each
    return Sights(new.pipeline, embeddings, faces, tuple(quality))


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, print the tables, and draw the curve."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add = parser.add_argument
    add("--data", type=Path, required=True, metavar="FOLDER", help="one folder of pictures per person")
    add("--colour", type=Path, metavar="FOLDER", help="the same pictures in colour")
    add("--cache", type=Path, default=default_folder(), metavar="FOLDER", help="where embeddings are kept")
    add("--parts", nargs="+", choices=PARTS, default=PARTS, help="what to measure")
    add("--frames", type=int, default=30, help="frames that an attacker shows")
    add("--longest", type=int, default=1_200, help="frames of the worst attackers: an hour, at one every 3 s")
    add("--most", type=int, default=20, help="attackers of each kind and half")
    add("--out", type=Path, metavar="FOLDER", help="where stream.svg is drawn")
    options = parser.parse_args(arguments)
    logging.basicConfig(level=logging.INFO, format="%(message)s", stream=sys.stderr)
    cache = SightCache(options.cache)
    try:
        measure(options, cache)
    except UnusableData as error:
        print(f"familiar evaluation: {error}", file=sys.stderr)
        return 1
    finally:
        cache.close()
    return 0


def measure(options: argparse.Namespace, cache: SightCache) -> None:
    """Print a table for each of the parts that ``options`` ask for.

    Raises:
        UnusableData: the pictures do not suffice.
    """
    people = People.read(options.data)
    if len(people.of) < LEAST_PEOPLE:
        raise UnusableData(f"{options.data} holds {len(people.of)} people; {LEAST_PEOPLE} are needed to fit to half")
    pipeline = AlignedFaces(Embedder(backbones.face_resnet_in(None)))
    folders = {"grey": people} | ({"colour": twins(people, People.read(options.colour))} if options.colour else {})
    sights = {camera: cache.see(pipeline, folder.pictures) for camera, folder in folders.items()}
    looks = {camera: seen.gated(QualityLimits()).embeddings for camera, seen in sights.items()}
    faces = Faces(tuple(people.of), numbers(people), looks)
    halves = [
        Half(fold, stream_of(people, fold.measured[looks["grey"][fold.measured].any(axis=1)]))
        for fold in folds(faces, 0)
    ]
    rows: list[Row] = []
    if "stream" in options.parts:
        for camera, seen in sights.items():
            streams = [half.seen(seen) for half in halves]
            rows += outcomes(streams, camera, tuple(WAYS) if camera == "grey" else COMPARED, TARGET)
        rows += outcomes([half.seen(sights["grey"]) for half in halves], "grey", COMPARED, LENIENT)
    if "ageing" in options.parts:
        old = [half.seen(aged(half, people, pipeline, cache, sights["grey"])) for half in halves]
        rows += outcomes(old, AGEING, COMPARED, TARGET)
    print(table(rows), flush=True)
    if options.out and rows:
        curves = {(camera, way): course for camera, way, target, course in rows if target == TARGET}
        chosen = {key: course for key, course in curves.items() if key[1] in COMPARED and key[0] != "colour"}
        charts.curves(chosen, options.out / "stream.svg")
    if "attack" in options.parts:
        told = []
        for half in halves:
            scene = attack.Scene(*half.seen(sights["grey"]))
            metric = half.fold.space.metric
            told += attack.hours(scene, people, pipeline, cache, metric, options.frames, options.most, options.longest)
        print(attack.table(attack.added(told)))


if __name__ == "__main__":
    sys.exit(main())
