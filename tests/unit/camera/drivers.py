"""A camera's driver for the tests, in the place of OpenCV's."""

import threading
import time
from collections.abc import Callable

import numpy as np

from cameras import numbered


class FakeDriver:
    """A camera's driver in the place of OpenCV's: 100 frames a second, as a script says.

    Attributes:
        picture: gives the frame of a number, counted from 0 by each opening.
        fails_at: the number of a frame at which it breaks; hangs_at: at which it does not return.
        openings: how often it was opened; ``refuse`` so many of the next ones fail.
    """

    def __init__(self, picture: Callable[[int], np.ndarray] = numbered) -> None:
        self.picture = picture
        self.fails_at: int | None = None
        self.hangs_at: int | None = None
        self.refuse = 0
        self.openings: list[object] = []
        self.released = 0
        self.unhang = threading.Event()

    def __call__(self, device: object, *_: object) -> "FakeDriver._Capture":
        self.openings.append(device)
        self.refuse -= 1
        return self._Capture(self, self.refuse < 0)

    class _Capture:
        def __init__(self, driver: "FakeDriver", opened: bool) -> None:
            self._driver, self._opened, self._number = driver, opened, -1

        def isOpened(self) -> bool:
            return self._opened

        def set(self, *_: object) -> bool:
            return True

        def grab(self) -> bool:
            self._number += 1
            driver = self._driver
            if driver.hangs_at == self._number:
                driver.hangs_at = None
                driver.unhang.wait()
            if driver.fails_at == self._number:
                driver.fails_at = None
                return False
            time.sleep(0.01)
            return True

        def retrieve(self) -> tuple[bool, np.ndarray]:
            return True, self._driver.picture(self._number)

        def release(self) -> None:
            self._driver.released += 1
