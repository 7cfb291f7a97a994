"""Enrolling through the live API."""

from collections.abc import Mapping
from pathlib import Path

import pytest

from familiar_camera import enrolling
from familiar_camera.backoff import Backoff
from familiar_camera.enrolling import Progress, Wish
from familiar_camera.errors import EnrollmentFailed, NeedsAnswer, ServerAway, SourceError
from familiar_camera.server import Answer, Server
from familiar_camera.sources import open_source

from .conftest import FakeGateway, refusal

NAMESAKE = refusal(409, "name_taken", people=[{"id": "p9", "name": "Ada"}])
KNOWN = refusal(409, "already_known", person={"id": "p9", "name": "Grace"}, share=0.9)


class Listener:
    def __init__(self) -> None:
        self.progress: list[Progress] = []
        self.stages: list[str] = []

    def captured(self, progress: Progress) -> None:
        self.progress.append(progress)

    def stage(self, enrollment: Answer) -> None:
        self.stages.append(enrollment["status"])


class Person:
    """Answers questions with these keys in turn, the last one again and again, and remembers what was asked.

    Without a key nobody is there.
    """

    def __init__(self, *keys: str) -> None:
        self.keys = list(keys)
        self.questions: list[str] = []

    def __call__(self, question: str, answers: Mapping[str, str]) -> str:
        self.questions.append(question)
        if not self.keys:
            raise NeedsAnswer(question)
        key = self.keys.pop(0) if len(self.keys) > 1 else self.keys[0]
        assert key in answers
        return key


def enroll(gateway: FakeGateway, folder: Path, wish: Wish, ask: Person, listener: Listener | None = None) -> Answer:
    server = Server(gateway.url, Backoff(patience_s=10.0, first_s=0.01, longest_s=0.05))
    audience = listener or Listener()
    return enrolling.enroll(server, open_source(str(folder)), wish, ask, audience, sleep=lambda _: None)


def finishes(gateway: FakeGateway) -> list[dict[str, str]]:
    return [said for _, path, said in gateway.asked if path.endswith("/finish")]


def test_frames_are_sent_until_there_are_enough_then_learned(gateway: FakeGateway, folder: Path) -> None:
    listener = Listener()
    enrollment = enroll(gateway, folder, Wish("Ada", frames=8), Person(), listener)
    assert enrollment["status"] == "live"
    assert len(gateway.digests) == 8
    assert listener.progress[-1].usable == 8
    assert listener.progress[-1].hint == "turn left"
    assert listener.stages == ["queued", "training", "live"]


def test_all_frames_are_sent_once_where_the_server_fails_in_between(gateway: FakeGateway, folder: Path) -> None:
    gateway.script.extend([refusal(503, "busy"), (201, gateway._enrollment("open")), refusal(503, "busy")])
    enroll(gateway, folder, Wish("Ada"), Person())
    assert len(gateway.digests) == 12
    opened = [said for method, path, said in gateway.asked if (method, path) == ("POST", "/v1/enrollments")]
    assert opened == [{"name": "Ada"}] * 2


def test_an_unreadable_source_leaves_nothing_behind(gateway: FakeGateway, folder: Path) -> None:
    for path in folder.glob("*.png"):
        path.write_bytes(b"damaged")
    with pytest.raises(SourceError):
        enroll(gateway, folder, Wish("Ada"), Person())
    assert gateway.paths()[-1] == "DELETE /v1/enrollments/e1"


def test_too_few_usable_frames_are_explained(gateway: FakeGateway, folder: Path) -> None:
    refused = {"no_face": 2, "too_dark": 8}
    gateway.finish.append(refusal(409, "too_few_samples", accepted=2, received=12, needed=5, refused=refused))
    with pytest.raises(EnrollmentFailed, match=r"only 2 of 12 .* 5 are needed; refused: too dark \(8\), no face \(2\)"):
        enroll(gateway, folder, Wish("Ada"), Person())
    assert gateway.paths()[-1] == "DELETE /v1/enrollments/e1"


@pytest.mark.parametrize("choice", ["add", "new"])
def test_a_known_face_is_asked_about_and_the_answer_sent(gateway: FakeGateway, folder: Path, choice: str) -> None:
    gateway.finish.append(KNOWN)
    person = Person(choice)
    enroll(gateway, folder, Wish("Ada"), person)
    assert "already known as Grace" in person.questions[0]
    assert finishes(gateway) == [{}, {"if_known": choice}]


@pytest.mark.parametrize("choice", ["take", "leave_out"])
@pytest.mark.parametrize("person", [None, {"id": "p9", "name": "Grace"}])
def test_pictures_that_do_not_fit_are_asked_about_and_the_answers_go_together(
    gateway: FakeGateway, folder: Path, choice: str, person: dict[str, str] | None
) -> None:
    gateway.finish.extend([refusal(409, "not_alike", frames=[0, 4], pictures=12, person=person), KNOWN])
    somebody = Person(choice, "add")
    enroll(gateway, folder, Wish("Ada"), somebody)
    assert "2 of 12 pictures" in somebody.questions[0] and "number 1, 5" in somebody.questions[0]
    assert ("Grace" in somebody.questions[0]) == (person is not None)
    assert finishes(gateway) == [{}, {"if_not_alike": choice}, {"if_not_alike": choice, "if_known": "add"}]


def test_which_pictures_to_take_can_be_decided_beforehand(gateway: FakeGateway, folder: Path) -> None:
    enroll(gateway, folder, Wish("Ada", if_not_alike="leave_out"), Person())
    assert finishes(gateway) == [{"if_not_alike": "leave_out"}]


def test_a_known_face_with_nobody_to_ask_leaves_nothing_behind(gateway: FakeGateway, folder: Path) -> None:
    gateway.finish.append(KNOWN)
    with pytest.raises(NeedsAnswer):
        enroll(gateway, folder, Wish("Ada"), Person())
    assert gateway.paths()[-1] == "DELETE /v1/enrollments/e1"


def test_what_was_decided_beforehand_is_not_asked(gateway: FakeGateway, folder: Path) -> None:
    gateway.opening.append(NAMESAKE)
    enroll(gateway, folder, Wish("Ada", if_known="add"), Person())
    opened = [said for _, path, said in gateway.asked if path == "/v1/enrollments"]
    assert opened == [{"name": "Ada"}, {"person_id": "p9"}]
    assert finishes(gateway) == [{"if_known": "add"}]


@pytest.mark.parametrize(
    ("choice", "expected"), [("p9", {"person_id": "p9"}), ("new", {"name": "Ada", "allow_same_name": True})]
)
def test_a_namesake_is_asked_about(
    gateway: FakeGateway, folder: Path, choice: str, expected: dict[str, object]
) -> None:
    gateway.opening.append(NAMESAKE)
    person = Person(choice)
    enroll(gateway, folder, Wish("Ada"), person)
    assert "Somebody called Ada is enrolled already" in person.questions[0]
    assert [said for _, path, said in gateway.asked if path == "/v1/enrollments"][1] == expected


def test_several_namesakes_need_an_id(gateway: FakeGateway, folder: Path) -> None:
    gateway.opening.append(refusal(409, "name_taken", people=[{"id": "p8"}, {"id": "p9"}]))
    with pytest.raises(EnrollmentFailed, match=r"--person-id \(p8, p9\)"):
        enroll(gateway, folder, Wish("Ada", if_known="add"), Person())


def test_a_failed_training_says_why(gateway: FakeGateway, folder: Path) -> None:
    gateway.stages.clear()
    gateway.stages.extend(["queued", "failed"])
    with pytest.raises(EnrollmentFailed, match="the faces differ too much"):
        enroll(gateway, folder, Wish("Ada"), Person())


def test_whoever_cannot_be_told_from_somebody_enrolled_is_told_from_whom(gateway: FakeGateway, folder: Path) -> None:
    gateway.stages.clear()
    gateway.stages.extend(["queued", "failed"])
    gateway.error = {"code": "too_alike", "message": "one would be the other", "person": {"id": "p9", "name": "Grace"}}
    with pytest.raises(EnrollmentFailed, match=r"one would be the other \(Grace: --person-id p9\)"):
        enroll(gateway, folder, Wish("Ada"), Person())
    gateway.error["person"] = None  # deleted since
    with pytest.raises(EnrollmentFailed, match=r"one would be the other$"):
        enroll(gateway, folder, Wish("Ada"), Person())


def test_a_server_that_goes_away_for_good_ends_the_enrolment(away: FakeGateway, folder: Path) -> None:
    server = Server(away.url, Backoff(patience_s=0))
    with pytest.raises(ServerAway):
        enrolling.enroll(server, open_source(str(folder)), Wish("Ada"), Person(), Listener())
