"""TensorFlow as this service uses it: quiet, on one thread per operation, its private parts in one place.

Everything here that is private to TensorFlow is tested against the minor version asked for; nothing else in the
service may reach below TensorFlow's public interface.
"""

from __future__ import annotations

import contextlib
import logging
import os
import platform
from collections.abc import Mapping
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from familiar.errors import MisconfiguredError

if TYPE_CHECKING:
    import tensorflow as tf

Array = npt.NDArray[Any]


def load_tensorflow() -> ModuleType:
    """Import TensorFlow (seconds) with our settings, and return it; later calls are free.

    Raises:
        MisconfiguredError: this processor cannot run it.
    """
    require_avx(Path("/proc/cpuinfo"))
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    import tensorflow as tf

    logging.getLogger("tensorflow").setLevel(logging.WARNING)  # it tells of every export where its assets are
    with contextlib.suppress(RuntimeError):  # already running: the settings of whoever was first stay
        tf.config.threading.set_intra_op_parallelism_threads(1)
    return tf  # type: ignore[no-any-return]


def require_avx(cpuinfo: Path) -> None:
    """Say what is missing where TensorFlow's packages would end the process without a word (SIGILL).

    Raises:
        MisconfiguredError: the processor described in ``cpuinfo`` is an x86-64 without AVX.
    """
    try:
        flags = next((line.split() for line in cpuinfo.read_text().splitlines() if line.startswith("flags")), [])
    except OSError:  # not Linux
        return
    if platform.machine() == "x86_64" and flags and "avx" not in flags:
        raise MisconfiguredError(
            "this processor has no AVX, which TensorFlow's packages and the image of TensorFlow Serving need; "
            "use another machine, or images with a TensorFlow built for this processor"
        )


def freeze(function: tf.types.experimental.ConcreteFunction) -> tf.types.experimental.ConcreteFunction:
    """Return ``function`` with its variables turned into constants; a dict it returns becomes a list by sorted name."""
    from tensorflow.python.framework.convert_to_constants import convert_variables_to_constants_v2

    return convert_variables_to_constants_v2(function)


class Session:
    """A SavedModel behind the loader that TensorFlow Serving uses, not the one of ``tf.saved_model.load``."""

    def __init__(self, folder: Path) -> None:
        """Load ``folder``; TensorFlow's own errors pass through."""
        tf = load_tensorflow()
        self._graph = tf.Graph()
        config = tf.compat.v1.ConfigProto(
            intra_op_parallelism_threads=1, inter_op_parallelism_threads=1, use_per_session_threads=True
        )
        self._session = tf.compat.v1.Session(graph=self._graph, config=config)
        try:
            with self._graph.as_default():
                metagraph = tf.compat.v1.saved_model.loader.load(self._session, ["serve"], str(folder))
        except BaseException:
            self._session.close()
            raise
        self.signatures = dict(metagraph.signature_def)
        definition = metagraph.graph_def
        functions = definition.library.function
        self.operations = frozenset(
            [node.op for node in definition.node] + [node.op for f in functions for node in f.node_def]
        ) - {f.signature.name for f in functions}

    def run(self, signature_name: str, inputs: Mapping[str, Array]) -> dict[str, Array]:
        """Run a signature on arrays of any shape and dtype: nothing is checked or cast before the graph sees it.

        Raises KeyError for an unknown signature or input, TensorFlow's errors for what the graph refuses.
        """
        from tensorflow.python.client import pywrap_tf_session

        signature = self.signatures[signature_name]
        feeds = {self._node(signature.inputs[name].name): np.asarray(array) for name, array in inputs.items()}
        names = sorted(signature.outputs)
        fetches = [self._node(signature.outputs[name].name) for name in names]
        values = pywrap_tf_session.TF_SessionRun_wrapper(self._session._session, None, feeds, fetches, [], None)
        return dict(zip(names, values, strict=True))

    def close(self) -> None:
        """Free the model's memory."""
        self._session.close()

    def _node(self, tensor_name: str) -> Any:
        return self._graph.get_tensor_by_name(tensor_name)._as_tf_output()
