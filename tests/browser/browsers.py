"""The browsers that the page is shown in: programs of this machine, each with a film before its camera."""

import base64
import json
import os
import shutil
from pathlib import Path
from typing import Any

import pytest
from filming import FPS, pictures


class Browser:
    """A browser: ``name`` it, ``programs`` it may be, ``setting`` that names another, how to get it."""

    name: str
    programs: tuple[str, ...]
    setting: str
    how_to_install: str

    def program(self) -> str | None:
        """Return the program, None if there is none."""
        return os.environ.get(self.setting) or next(filter(None, map(shutil.which, self.programs)), None)

    def launch(self, playwright: Any, film: Path | None) -> Any:
        """Start it with a film before its camera, or without one."""
        raise NotImplementedError

    def prepare(self, context: Any, film: Path | None) -> None:
        """Do what has to be done before a page is opened."""


class _Chromium(Browser):
    """It has a camera of its own for tests, which plays a film."""

    name = "Chromium"
    programs = ("chromium", "chromium-browser", "google-chrome-stable", "google-chrome")
    setting = "FAMILIAR_BROWSER"
    how_to_install = "Debian: apt install chromium; FAMILIAR_BROWSER names another"

    def launch(self, playwright: Any, film: Path | None) -> Any:
        arguments = ["--no-sandbox", "--use-fake-ui-for-media-stream", "--autoplay-policy=no-user-gesture-required"]
        if film:
            arguments += ["--use-fake-device-for-media-stream", f"--use-file-for-fake-video-capture={film}"]
        return playwright.chromium.launch(executable_path=self.program(), args=arguments)


class _Firefox(Browser):
    """Spoken to by WebDriver BiDi, so that it is the distribution's own.

    Its camera for tests shows a pattern and no faces. So a page is given a canvas that plays the film in its place,
    whenever it asks for the camera and Firefox has opened its own; what asks the user, what lists the cameras and what
    turns them off is Firefox.
    """

    name = "Firefox"
    programs = ("firefox-esr", "firefox")
    setting = "FAMILIAR_FIREFOX"
    how_to_install = "Debian: apt install firefox-esr; FAMILIAR_FIREFOX names another"
    _PLAY = (Path(__file__).parent / "film_camera.js").read_text()

    def launch(self, playwright: Any, film: Path | None) -> Any:
        settings = {"media.navigator.streams.fake": film is not None, "media.navigator.permission.disabled": True}
        return playwright.firefox.launch(
            channel="moz-firefox", executable_path=self.program(), firefox_user_prefs=settings
        )

    def prepare(self, context: Any, film: Path | None) -> None:
        if film:
            frames = [base64.b64encode(each).decode() for each in pictures(film)]
            context.add_init_script(f"{self._PLAY}\nplayBeforeTheCamera({json.dumps(frames)}, {FPS});")


CHROMIUM, FIREFOX = _Chromium(), _Firefox()


def in_each(*, slow: bool = True) -> pytest.MarkDecorator:
    """Mark a test of what has to work in every browser; ``slow``: in Firefox only where all tests are asked for."""
    marks = [pytest.mark.slow] if slow else []
    each = [pytest.param(CHROMIUM, id="chromium"), pytest.param(FIREFOX, id="firefox", marks=marks)]
    return pytest.mark.parametrize("open_page", each, indirect=True)
