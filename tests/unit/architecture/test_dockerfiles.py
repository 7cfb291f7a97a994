"""What the four Dockerfiles have in common is the same in all of them, since no builder we support can share it."""

import re

import pytest

from architecture.rooms import ROOT

_PARTS = {"camera": ["camera"], "gateway": ["familiar", "gateway"], "modelserver": ["familiar", "modelserver"],
          "trainer": ["familiar", "trainer"]}  # fmt: skip


def _steps(service: str) -> list[str]:
    """Return the instructions before the image that runs, with what is a service's own made the same."""
    text = (ROOT / "services" / service / "Dockerfile").read_text()
    text = text[text.index("ARG PYTHON_IMAGE") :].rpartition("\nFROM ${PYTHON_IMAGE}\n")[0]
    for part in _PARTS[service]:
        text = text.replace(f"COPY services/{part} services/{part}\n", "").replace(f" ./services/{part}", "")
    text = (
        re.sub(r"(?m)^#.*\n", "", text).replace(f"services/{service}/requirements.lock", "LOCK").replace("wheel ", "")
    )
    # What a service needs nothing of is taken out of its packages, each in its own way.
    return re.sub(r"(?s)(--require-hashes -r requirements.lock) \\\n.*?(?=\n\n)", r"\1", text).splitlines()


@pytest.mark.parametrize("service", _PARTS)
def test_an_image_is_built_in_the_same_steps_as_the_others(service: str) -> None:
    steps = _steps(service)
    assert len(steps) > 10
    assert steps == _steps("camera")
