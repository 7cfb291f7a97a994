"""Living: people who enrol, add to themselves, give up, are put right and deleted, and others who recognise them."""

import random
import threading
import time
from typing import Any

import httpx
from sqlalchemy import select

from familiar.records.schema import Embedding, Sample
from kill import cast
from kill.book import Book, Life
from kill.cast import Face
from kill.embedded import Embedded

_PATIENCE_S = 180.0
_AGAIN_S = 0.2
_PORTION = 3
_NEEDLE_BYTES = 64
_MOST_NEEDLES = 3
_LEAST_SAMPLES, _MOST_SAMPLES = 5, 1000
_ONCE = (202, 404, 409)
"""What a correction is answered; the latter two where it was done and the answer was lost: then it is looked up."""
_ANSWERS = {"if_known": "new", "if_not_alike": "take"}
"""One face has many names here, and lights that no camera sees in one visit."""


class Lost(Exception):
    """Something was not answered, or not as it should have been."""


class Asking:
    """A client that asks again until it is answered by somebody who is there, as the camera client does."""

    def __init__(self, url: str) -> None:
        self._http = httpx.Client(base_url=url, timeout=20)

    def __call__(self, method: str, path: str, expect: tuple[int, ...], **request: Any) -> Any:
        """Return the JSON of the answer.

        Raises:
            Lost: it has another status, or did not come in time.
        """
        give_up_at = time.monotonic() + _PATIENCE_S
        last = "no answer"
        while time.monotonic() < give_up_at:
            try:
                answer = self._http.request(method, path, **request)
            except httpx.HTTPError as exc:
                last = f"no answer: {exc!r}"
            else:
                if answer.status_code in expect:
                    return answer.json() if answer.content else None
                last = f"{answer.status_code} {answer.text[:300]}"
                if answer.status_code != 503 or not answer.json()["error"]["retryable"]:
                    break
            time.sleep(_AGAIN_S)
        raise Lost(f"{method} {path}: {last}")


class Enroller:
    """Leads lives of the faces that are its own, one step after the other."""

    def __init__(self, run: Embedded, book: Book, faces: list[Face], chance: random.Random) -> None:
        self._run, self._book, self._chance = run, book, chance
        self._ask = Asking(run.url)
        self._lives: dict[Face, Life | None] = dict.fromkeys(faces)
        self._visits = 0

    def work(self, over: threading.Event) -> None:
        """Do one thing after the other until it is over; each is done to its end."""
        while not over.is_set():
            try:
                self._step()
            except Lost as exc:
                self._book.fault(str(exc))
            except Exception as exc:  # a thread that ends unseen would make all look well
                self._book.fault(f"enrolling: {exc!r}")

    def _step(self) -> None:
        face = self._chance.choice(list(self._lives))
        life = self._lives[face]
        if life is None:
            life = self._lives[face] = self._book.begin(face)
            self._enrol(life)
            return
        steps = (self._enrol, self._begin_and_give_up, self._part_and_join, self._delete)
        self._chance.choices(steps, weights=(4, 2, 3, 3))[0](life)

    def _enrol(self, life: Life) -> None:
        way = self._chance.choice([self._by_form, self._by_archive, self._by_film, self._by_film, self._live])
        enrollment = way(life)
        life.taken.append(enrollment["id"])
        life.person_id = enrollment["person"]["id"]
        self._book.count(f"enrolled {way.__name__.strip('_').replace('_', ' ')}")
        if self._chance.random() < 0.4:  # otherwise the next step comes while it is being learned
            self._wait(life, enrollment["id"])

    def _wait(self, life: Life, enrollment_id: str) -> None:
        give_up_at = time.monotonic() + _PATIENCE_S
        while time.monotonic() < give_up_at:
            state = self._ask("GET", f"/v1/enrollments/{enrollment_id}", (200,))
            if state["status"] in ("live", "failed"):
                return
            time.sleep(_AGAIN_S)
        raise Lost(f"{life.name}: an enrolment is {state['status']} after {_PATIENCE_S:.0f} s")

    def _by_form(self, life: Life) -> Any:
        return self._at_once(
            life, [(f"{at}.jpg", each, "image/jpeg") for at, each in enumerate(self._pictures(life, 16))]
        )

    def _by_archive(self, life: Life) -> Any:
        return self._at_once(life, [("all.zip", cast.archive(self._pictures(life, 16)), "application/zip")])

    def _by_film(self, life: Life) -> Any:
        return self._at_once(life, [("film.avi", cast.film(self._pictures(life, 24)), "video/x-msvideo")])

    def _at_once(self, life: Life, files: list[tuple[str, bytes, str]]) -> Any:
        fields = {"name": life.name, **_ANSWERS, **self._who(life)}
        return self._ask(
            "POST", "/v1/enroll", (202,), data=fields, files=[("frames", file) for file in files], headers=self._key()
        )

    def _live(self, life: Life) -> Any:
        enrollment_id = self._captured(life, self._pictures(life, 20))
        return self._ask("POST", f"/v1/enrollments/{enrollment_id}/finish", (202,), json=_ANSWERS)

    def _begin_and_give_up(self, life: Life) -> None:
        """Somebody comes before the camera, and goes again."""
        stranger = self._book.begin(life.face)
        enrollment_id = self._captured(stranger, self._pictures(life, 6))
        self._remember(stranger, Sample.enrollment_id == enrollment_id)
        self._ask("DELETE", f"/v1/enrollments/{enrollment_id}", (204, 404))
        stranger.deleted = True
        self._book.count("captures given up")

    def _part_and_join(self, life: Life) -> None:
        """Somebody was two people for a moment: split, and made one again by a merge or by undoing it."""
        for enrollment_id in life.taken:
            self._wait(life, enrollment_id)
        samples = self._samples(life)
        if len(samples) < 2 * _LEAST_SAMPLES:
            return
        other = self._book.begin(life.face)
        parting = {"samples": samples[::2], "name": other.name}
        self._ask("POST", f"/v1/people/{life.person_id}/split", _ONCE, json=parting)
        done = self._corrected(life, "split")
        if done["to"]["name"] != other.name or done["samples"] != len(parting["samples"]):
            raise Lost(f"{life.name}: split wrongly: {done}")
        other.person_id = done["to"]["id"]
        life.parted.append(other)
        if self._chance.random() < 0.5:
            self._ask("POST", f"/v1/corrections/{done['id']}/undo", _ONCE)
            self._book.count("people split, and that undone")
        else:
            self._ask("POST", f"/v1/people/{life.person_id}/merge", _ONCE, json={"person_id": other.person_id})
            self._corrected(life, "merge")
            self._book.count("people split and merged")
        if (joined := self._samples(life)) != samples:
            raise Lost(f"{life.name}: of {len(samples)} samples before a split and its end {len(joined)} are left")
        other.deleted = True

    def _samples(self, life: Life) -> list[str]:
        found = self._ask("GET", f"/v1/people/{life.person_id}/samples?limit={_MOST_SAMPLES}", (200,))["samples"]
        return sorted(each["id"] for each in found)

    def _corrected(self, life: Life, kind: str) -> Any:
        """Return the newest correction of a life, which is of this kind if it was done."""
        (newest,) = self._ask("GET", f"/v1/corrections?person={life.person_id}&limit=1", (200,))["corrections"]
        if newest["kind"] != kind:
            raise Lost(f"{life.name}: a {kind} that was answered is not there, the newest is {newest}")
        return newest

    def _captured(self, life: Life, pictures: list[bytes]) -> str:
        opening = {"name": life.name, **self._who(life)}
        enrollment_id = self._ask("POST", "/v1/enrollments", (200, 201), json=opening, headers=self._key())["id"]
        for start in range(0, len(pictures), _PORTION):
            portion = pictures[start : start + _PORTION]
            files = [("frames", (f"{at}.jpg", each, "image/jpeg")) for at, each in enumerate(portion)]
            self._ask("POST", f"/v1/enrollments/{enrollment_id}/frames", (200,), files=files)
        return str(enrollment_id)

    def _delete(self, life: Life) -> None:
        self._remember(life, Sample.person_id == life.person_id)
        self._ask("DELETE", f"/v1/people/{life.person_id}", (202, 404))
        life.deleted = True
        self._lives[life.face] = None
        self._book.count("people deleted")

    def _remember(self, life: Life, condition: Any) -> None:
        """Remember what must be gone after a deletion."""
        life.needles["name"] = life.name.encode()
        for number, other in enumerate(life.parted):
            life.needles |= {f"name {number}": other.name.encode(), f"id {number}": str(other.person_id).encode()}
        database = self._run.database()
        try:
            with database.read() as session:
                rows = session.execute(
                    select(Sample.crop, Embedding.vector).outerjoin(Embedding).where(condition).limit(_MOST_NEEDLES)
                ).all()
        finally:
            database.engine.dispose()  # the last to close a file of SQLite tidies up, which must not be this one
        for number, (crop, vector) in enumerate(rows):
            life.needles[f"crop {number}"] = crop[len(crop) // 2 :][:_NEEDLE_BYTES]
            if vector is not None:
                life.needles[f"embedding {number}"] = vector[:_NEEDLE_BYTES]

    def _pictures(self, life: Life, count: int) -> list[bytes]:
        self._visits += 1
        return life.face.pictures(self._visits, count)

    def _who(self, life: Life) -> dict[str, str]:
        return {} if life.person_id is None else {"person_id": life.person_id}

    def _key(self) -> dict[str, str]:
        return {"Idempotency-Key": f"{self._chance.getrandbits(64):x}"}


class Recogniser:
    """Shows a camera one face after the other, and has the book judge who it is taken for."""

    def __init__(self, run: Embedded, book: Book, faces: list[Face], chance: random.Random) -> None:
        self._book, self._faces, self._chance = book, faces, chance
        self._ask = Asking(run.url)

    def work(self, over: threading.Event) -> None:
        """Recognise until it is over."""
        while not over.is_set():
            try:
                self.look(self._chance.choice(self._faces))
            except Lost as exc:
                self._book.fault(str(exc))

    def look(self, face: Face) -> str | None:
        """Show a face; return the name it was given."""
        gone_before = self._book.gone()
        picture = self._chance.choice(face.probes)
        answer = self._ask("POST", "/v1/recognize", (200,), content=picture, headers={"Content-Type": "image/jpeg"})
        found = answer["faces"][:1]
        named = found[0]["person"]["name"] if found and found[0]["person"] else None
        self._book.judge(face, named, gone_before)
        self._book.count("faces named" if named else "faces not named")
        return named
