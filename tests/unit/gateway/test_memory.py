"""What the allocator is advised to do, seen by page faults and resident memory of a process of its own."""

import json
import platform
import subprocess
import sys

import pytest

_PROBE = """
import json, resource
import numpy as np
from familiar_gateway.memory import advise_allocator

def resident():
    return int(open("/proc/self/statm").read().split()[1]) * resource.getpagesize()

def faults_of(size, times):
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    for _ in range(times):
        np.empty(size, np.uint8).fill(1)
    return (resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before) / times

advise_allocator()
at_first = resident()
faults = {"vga": faults_of(640 * 480 * 3, 40), "full_hd": faults_of(1920 * 1080 * 3, 40)}
large = [np.ones(4000 * 3000 * 3, np.uint8) for _ in range(3)]
held = resident()
del large
print(json.dumps({"faults": faults, "at_first": at_first, "held": held, "left": resident()}))
"""


@pytest.fixture(scope="module")
def seen() -> dict:
    if platform.libc_ver()[0] != "glibc":
        pytest.skip("only glibc is advised")
    done = subprocess.run([sys.executable, "-c", _PROBE], capture_output=True, text=True, check=True, timeout=60)
    return json.loads(done.stdout)


@pytest.mark.parametrize("frame", ["vga", "full_hd"])
def test_the_pages_of_a_webcams_frame_are_used_again(seen: dict, frame: str) -> None:
    # Mapped anew each time, a frame has a fault for each of its hundreds of pages.
    assert seen["faults"][frame] < 60


def test_what_large_pictures_took_is_given_back(seen: dict) -> None:
    assert seen["held"] - seen["at_first"] > 100e6
    assert seen["left"] - seen["at_first"] < 30e6
