"""Interpreters: a LiteRT model on pictures of any size, from any number of threads."""

import threading
from collections import OrderedDict
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
from ai_edge_litert.interpreter import Interpreter
from numpy.typing import NDArray

Float32 = NDArray[np.float32]
Shape = tuple[int, int]


class Prepared:
    """One interpreter, made ready for one size of input ``[1, height, width, 3]``; of one thread at a time."""

    def __init__(self, model: bytes, shape: Shape) -> None:
        # One thread a picture: requests run side by side, and the cores are theirs.
        self._interpreter = Interpreter(model_content=model, num_threads=1)
        index = self._interpreter.get_input_details()[0]["index"]
        self._interpreter.resize_tensor_input(index, [1, *shape, 3])
        self._interpreter.allocate_tensors()
        self._input = self._interpreter.tensor(index)
        # Only now are the sizes of the outputs known; they come finest first.
        details = sorted(self._interpreter.get_output_details(), key=lambda each: -int(each["shape"][1]))
        self._outputs = [each["index"] for each in details]

    def fill(self) -> Float32:
        """Return the input float32[height, width, 3] to write into; let go of it before ``run``."""
        view: Float32 = self._input()[0]
        return view

    def run(self) -> list[Float32]:
        """Return a copy of each output float32[h, w, C], the finest first."""
        self._interpreter.invoke()
        return [self._interpreter.get_tensor(index)[0] for index in self._outputs]


class Interpreters:
    """Interpreters of one model by size of input; those of the sizes asked for last are kept for the next call.

    Their memory goes with the size, so as many are kept as have ``keep_pixels`` together.
    """

    def __init__(self, model: bytes, keep_pixels: int) -> None:
        self._model = model
        self._keep_pixels = keep_pixels
        self._idle: OrderedDict[Shape, list[Prepared]] = OrderedDict()
        self._lock = threading.Lock()

    @contextmanager
    def lend(self, shape: Shape) -> Iterator[Prepared]:
        """Lend an interpreter for inputs of ``shape`` (height, width) to the caller alone."""
        prepared = self._take(shape) or Prepared(self._model, shape)
        yield prepared
        # One that failed is not used again.
        self._give_back(shape, prepared)

    def _take(self, shape: Shape) -> Prepared | None:
        with self._lock:
            idle = self._idle.get(shape)
            return idle.pop() if idle else None

    def _give_back(self, shape: Shape, prepared: Prepared) -> None:
        with self._lock:
            self._idle.setdefault(shape, []).append(prepared)
            self._idle.move_to_end(shape)
            while sum(size[0] * size[1] * len(idle) for size, idle in self._idle.items()) > self._keep_pixels:
                oldest = next(size for size, idle in self._idle.items() if idle)
                self._idle[oldest].pop()
            for size in [size for size, idle in self._idle.items() if not idle]:
                del self._idle[size]
