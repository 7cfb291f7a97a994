"""Recognition while heads are swapped: no request fails, and no answer mixes two versions."""

import threading
from collections.abc import Callable

import pytest

from familiar.records import versions
from selection import usually
from system import System, wait_until

PER_SWAP = 200


@pytest.mark.parametrize("swaps", usually([4], [4, 10]))
def test_200_recognitions_per_swap_never_fail_nor_mix_versions(
    make_system: Callable[..., System], webcam, collins, hopper, capsys, swaps: int
) -> None:
    """Each head is told from the others by its people: Collins alone, or Collins and Hopper, by turns.

    Enrolling Hopper and deleting her, again and again, makes the heads. The names in an answer must be those of the
    version reported.
    """
    system = make_system().up()
    client = system.client()
    enrollment = client.enroll("Eileen Collins", webcam(collins, 1, range(0, 60, 4)))
    wait_until(lambda: client.is_live(enrollment), 60, "Collins is live")
    probes = [webcam(portrait, 50, range(1))[0] for portrait in (collins, hopper)]
    session = webcam(hopper, 2, range(0, 40, 4))

    answers: list[tuple[int, int, str | None]] = []
    failures: list[BaseException] = []
    done = threading.Event()

    def recognise(which: int) -> None:
        own = system.client()
        while not done.is_set():
            try:
                answer = own.recognize(probes[which])
                person = answer["faces"][0]["person"]
                answers.append((which, answer["head_version"], person["name"] if person else None))
            except BaseException as exc:
                failures.append(exc)

    threads = [threading.Thread(target=recognise, args=(which,)) for which in (0, 1, 0)]
    [thread.start() for thread in threads]
    try:
        for swap in range(swaps):
            count = len(answers)
            if swap % 2 == 0:
                enrollment = client.enroll("Grace Hopper", session)
                wait_until(lambda: client.is_live(enrollment), 90, "Hopper is live")  # noqa: B023
            else:
                person = next(p for p in client.call("GET", "/v1/people")["people"] if p["name"] == "Grace Hopper")
                job = client.call("DELETE", f"/v1/people/{person['id']}", 202)["job"]["id"]
                wait_until(
                    lambda: client.call("GET", f"/v1/jobs/{job}")["status"] == "live",  # noqa: B023
                    90,
                    "the head without Hopper is live",
                )
            wait_until(lambda: len(answers) >= count + PER_SWAP, 120, "200 recognitions were made")  # noqa: B023
    finally:
        done.set()
        [thread.join(30) for thread in threads]

    assert not failures, failures[:3]
    with system.database().read() as reading:
        people_of = {head.version: head.meta["people"] for head in versions.heads(reading)}
    for which, version, name in answers:
        if which == 0:
            assert name == "Eileen Collins", (version, name)
        elif name is not None:
            assert name == "Grace Hopper"
            assert people_of[version] == 2, f"head {version} does not know Hopper, yet the answer names her"
    seen = sorted({version for _, version, _ in answers})
    with capsys.disabled():
        print(f"\nhot swap: {len(answers)} recognitions over {len(seen)} head versions, 0 failed, 0 mixed")
    assert len(seen) >= swaps
    assert len(answers) >= swaps * PER_SWAP
