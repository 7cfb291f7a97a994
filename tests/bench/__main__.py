"""``make bench``: speed and memory of the running system, as tables.

Times depend on the machine and on what else it does; compare figures of one run, and quote ratios.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

import cv2
import numpy as np
import psutil

import portraits
from bench.growth import growth
from bench.large_frames import large_frames
from client import Client
from familiar.knowing.embedding import normalise
from familiar.records import enrollments, people, samples
from familiar.records.engine import Database
from familiar_camera.simulation import Session
from system import START_ORDER, System, wait_until

Figures = dict[str, float | int | str]

PEOPLE, SAMPLES, FRAMES, PROBES = 30, 150, 150, 300


def main() -> int:
    """Measure everything and print it."""
    parser = argparse.ArgumentParser(prog="make bench", description=__doc__)
    parser.add_argument("--json", type=Path, help="also write the figures to this file")
    parser.add_argument("--rounds", type=int, default=3, help="enrolments to time (default 3)")
    parser.add_argument("--growth", action="store_true", help="only learn heads of 10 to 10,000 simulated people")
    parser.add_argument("--large", action="store_true", help="only recognise faces in large frames")
    options = parser.parse_args()
    figures: dict[str, Figures] = {"machine": machine()}
    if options.large:
        figures |= large_frames()
    else:
        figures |= growth() if options.growth else running_system(options.rounds)
    for title, table in figures.items():
        print(f"\n{title}")
        for name, value in table.items():
            print(f"  {name:42} {value:>12}" if isinstance(value, str) else f"  {name:42} {value:12,g}")
    if options.json:
        options.json.write_text(json.dumps(figures, indent=1) + "\n")
    return 0


def running_system(rounds: int) -> dict[str, Figures]:
    """Return the figures of a system of its own with 30 people, which runs as long as they are taken."""
    figures: dict[str, Figures] = {"gateway without TensorFlow": footprint()}
    with tempfile.TemporaryDirectory(prefix="familiar-bench-") as folder:
        system = System(Path(folder))
        try:
            start = time.perf_counter()
            system.bootstrap()
            bootstrap_s = time.perf_counter() - start
            fill(system.database())
            start = time.perf_counter()
            for name in START_ORDER:
                system.start(name)
            system.wait_ready(300)
            figures["start"] = {"bootstrap_s": round(bootstrap_s, 1), "ready_s": round(time.perf_counter() - start, 1)}
            figures["recognition"] = recognition(system)
            for number in range(rounds):
                figures[f"enrolment {number + 1}"] = enrolment(system, number)
            figures["recognition during hot swaps"] = during_swaps(system)
            figures["memory_mb"] = memory(system)
        finally:
            system.down()
    return figures


def machine() -> Figures:
    """Return what the figures were taken on."""
    model = next((line for line in Path("/proc/cpuinfo").read_text().splitlines() if "model name" in line), ": ?")
    return {"processor": model.split(":")[1].strip(), "cores": os.cpu_count() or 0, "load_before": os.getloadavg()[0]}


def footprint() -> Figures:
    """Return what importing the gateway costs, in a process of its own, as the median of five."""
    code = (
        "import time, sys; start = time.perf_counter(); import familiar_gateway.app;"
        "took = time.perf_counter() - start; import resource;"
        "assert 'tensorflow' not in sys.modules;"
        "print(took, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, len(sys.modules))"
    )
    runs = [
        [float(word) for word in subprocess.check_output([sys.executable, "-c", code], text=True).split()]
        for _ in range(5)
    ]
    took_s, resident_mb, modules = (statistics.median(column) for column in zip(*runs, strict=True))
    return {"import_s": round(took_s, 2), "resident_mb": round(resident_mb), "modules": int(modules)}


def fill(database: Database) -> None:
    """Enrol 30 people with 150 samples each, whose embeddings are drawn at random: more than any demonstration has."""
    rng = np.random.default_rng(1)
    frame = portraits.jpeg("Eileen Collins")
    for number in range(PEOPLE):
        centre = rng.normal(size=128)
        vectors = normalise((centre + 0.25 * rng.normal(size=(SAMPLES, 128))).astype(np.float32))
        with database.write() as session:
            person = people.add(session, f"Person {number}")
            enrollment = enrollments.open_one(session, person)
            for position, vector in enumerate(vectors):
                verdict = enrollments.add_verdict(session, enrollment, f"{number}-{position}", [])
                samples.add(
                    session, enrollment, verdict, crop=frame[:12_000], vector=vector, backbone_version=1,
                    detector="bench", quality={},
                )  # fmt: skip
            enrollments.close(session, enrollment)


def recognition(system: System) -> Figures:
    """Return how long one recognition takes, alone and beside others, for a 640x480 frame with one face."""
    client = system.client()
    wait_until(lambda: client.call("GET", "/v1/people")["total"] == PEOPLE, 60, "the people are there")
    wait_until(lambda: all(job["status"] == "live" for job in jobs(client)), 120, "the first head is live")
    frames = session("Eileen Collins", 5, PROBES)
    for frame in frames[:20]:
        client.recognize(frame)
    stages: dict[str, list[float]] = {}
    for frame in frames:
        for stage, took_ms in client.recognize(frame)["timings_ms"].items():
            stages.setdefault(stage, []).append(took_ms)
    alone = timed(client, frames)
    figures: Figures = {f"server_{stage}_p50_ms": round(percentile(took, 50), 1) for stage, took in stages.items()}
    figures |= {"http_p50_ms": percentile(alone, 50), "http_p95_ms": percentile(alone, 95)}
    start = time.perf_counter()
    workers = [threading.Thread(target=timed, args=(system.client(), frames)) for _ in range(4)]
    [worker.start() for worker in workers]
    [worker.join() for worker in workers]
    figures["per_second_with_4_clients"] = round(4 * len(frames) / (time.perf_counter() - start), 1)
    return figures


def enrolment(system: System, number: int) -> Figures:
    """Return how long it takes from the last of 150 frames until the new person is recognised."""
    client = system.client()
    name = portraits.NAMES[number % len(portraits.NAMES)]
    for person in client.call("GET", "/v1/people", params={"limit": 1000})["people"]:
        if person["name"] == name:
            job = client.call("DELETE", f"/v1/people/{person['id']}", 202)["job"]["id"]
            wait_until(lambda each=job: client.call("GET", f"/v1/jobs/{each}")["status"] == "live", 60, "they are gone")
    frames = session(name, 100 + number, FRAMES)
    probe = session(name, 200 + number, 1)[0]
    enrollment = client.open_enrollment(name)
    took_ms = []
    for frame in frames[:-1]:
        start = time.perf_counter()
        client.add_frames(enrollment, [frame])
        took_ms.append((time.perf_counter() - start) * 1000)
    last = time.perf_counter()
    answer = client.add_frames(enrollment, frames[-1:])
    client.finish(enrollment, if_known="new")
    finished = time.perf_counter()
    wait_until(lambda: client.name_of(probe) == name, 60, f"{name} is recognised")
    return {
        "frame_p50_ms": percentile(took_ms, 50),
        "samples_kept": answer["accepted"],
        "finish_s": round(finished - last, 2),
        "last_frame_to_recognised_s": round(time.perf_counter() - last, 2),
    }


def during_swaps(system: System) -> Figures:
    """Return the times of recognitions while heads are swapped one after the other, beside those without."""
    client, frame = system.client(), session("Eileen Collins", 5, 1)
    quiet = timed(client, frame * PROBES)
    done = threading.Event()
    busy: list[float] = []

    def recognise() -> None:
        own = system.client()
        while not done.is_set():
            busy.extend(timed(own, frame))

    worker = threading.Thread(target=recognise)
    worker.start()
    before = client.recognize(frame[0])["head_version"]
    for _ in range(5):
        live = client.call("GET", "/v1/models")["heads"]
        source = next(head["version"] for head in live if head["status"] == "superseded" and head["people"])
        job = client.call("POST", f"/v1/models/{source}/rollback", 202)["job"]["id"]
        wait_until(lambda each=job: client.call("GET", f"/v1/jobs/{each}")["status"] == "live", 60, "the head is live")
    after = client.recognize(frame[0])["head_version"]
    done.set()
    worker.join()
    return {
        "swaps": after - before,
        "quiet_p50_ms": percentile(quiet, 50),
        "quiet_p95_ms": percentile(quiet, 95),
        "swapping_p50_ms": percentile(busy, 50),
        "swapping_p95_ms": percentile(busy, 95),
        "swapping_max_ms": round(max(busy), 1),
    }


def memory(system: System) -> Figures:
    """Return the resident memory of each process with its children, in MB."""
    return {name: round(sum(map(resident, family(system.pid(name)))) / 1e6) for name in START_ORDER}


def family(pid: int) -> list[psutil.Process]:
    process = psutil.Process(pid)
    return [process, *process.children(recursive=True)]


def resident(process: psutil.Process) -> int:
    return int(process.memory_info().rss)


def jobs(client: Client) -> list[dict]:
    found: list[dict] = client.call("GET", "/v1/jobs")["jobs"]
    return found


def session(name: str, seed: int, count: int) -> list[bytes]:
    """Return frames of a simulated webcam session as JPEG."""
    simulated = Session(cv2.cvtColor(portraits.frame(name), cv2.COLOR_RGB2BGR), seed)
    return [cv2.imencode(".jpg", simulated.frame(number))[1].tobytes() for number in range(count)]


def timed(client: Client, frames: list[bytes]) -> list[float]:
    """Return how long each recognition took, in milliseconds."""
    took_ms = []
    for frame in frames:
        start = time.perf_counter()
        client.recognize(frame)
        took_ms.append((time.perf_counter() - start) * 1000)
    return took_ms


def percentile(values: list[float], share: float) -> float:
    return round(float(np.percentile(values, share)), 1)


if __name__ == "__main__":
    sys.exit(main())
