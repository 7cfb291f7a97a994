"""The compiled YuNet inside the ``yuface`` package, called directly.

The package's own binding leaks the 36 kB of its result buffer with every picture, and holds the interpreter's lock.
"""

import ctypes
import importlib.util
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

_LIBRARY = "libfacedetection.so"
_FUNCTION = "_Z14facedetect_cnnPhS_iii"
_BUFFER_BYTES = 0x9000
_ROW = 16
"""int16 values of each face: confidence in percent, box as x y w h, five landmarks as x y, one unused."""


class FaceDetection:
    """``facedetect_cnn`` of libfacedetection; threads may share it."""

    def __init__(self) -> None:
        """Load the library.

        Raises:
            ImportError: the package is not installed, or holds another library than expected.
        """
        spec = importlib.util.find_spec("yuface")
        if spec is None or spec.origin is None:
            raise ImportError("no package yuface")
        try:
            library = ctypes.CDLL(str(Path(spec.origin).parent / _LIBRARY))
            self._detect = library[_FUNCTION]
            self._set_threads = library.omp_set_num_threads
        except (OSError, AttributeError) as exc:
            raise ImportError(f"yuface: {exc}") from exc
        pointer, number = ctypes.c_void_p, ctypes.c_int
        self._detect.argtypes, self._detect.restype = [pointer, pointer, number, number, number], pointer
        # The first call unpacks the weights; it must not happen in two threads at once.
        self.detect(np.zeros((64, 64, 3), np.uint8))

    def detect(self, bgr: NDArray[np.uint8]) -> NDArray[np.int16]:
        """Return int16[N, 16], a row for each face of the picture uint8[H, W, 3], BGR."""
        picture = np.ascontiguousarray(bgr)
        height, width = picture.shape[:2]
        buffer = np.zeros(_BUFFER_BYTES, np.uint8)
        # One thread a picture: requests run side by side, and a team that waits for its slowest member takes ten times
        # as long on a machine that is busy.
        self._set_threads(1)
        self._detect(buffer.ctypes.data, picture.ctypes.data, width, height, picture.strides[0])
        count = int(buffer[:4].view(np.int32)[0])
        return buffer[4 : 4 + 2 * _ROW * count].view(np.int16).reshape(count, _ROW)
