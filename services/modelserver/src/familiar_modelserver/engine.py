"""TensorFlow, as far as the server needs it: load a SavedModel and run it.

The only module that touches TensorFlow, two private parts of it included (the loader class and the session's
C call), so one minor version of it is asked for. TensorFlow Serving loads with the same V1 loader;
`tf.saved_model.load` would accept exports that fail there. `Session.run` would cast dtypes and word errors differently,
and knows no deadline per call in this form.
"""

from __future__ import annotations

import ctypes
import gc
import logging
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import tensorflow as tf  # type: ignore[import-untyped]
from tensorflow.python.client import pywrap_tf_session  # type: ignore[import-untyped]
from tensorflow.python.saved_model.loader_impl import SavedModelLoader  # type: ignore[import-untyped]

from familiar.wire import serving_pb2 as pb
from familiar_modelserver.errors import ServerError
from familiar_modelserver.prediction import Array

_LOG = logging.getLogger(__name__)

_SERVE_TAG = "serve"
_VARIABLE_OPS = frozenset({"VarHandleOp", "VariableV2", "Variable"})


class SavedModel:
    """A SavedModel in a session of its own."""

    def __init__(self, path: Path, *, intra_op_threads: int, inter_op_threads: int) -> None:
        """Load a version folder; raises ServerError with the codes of TensorFlow Serving."""
        if not (path / "saved_model.pb").is_file() and not (path / "saved_model.pbtxt").is_file():
            raise ServerError(
                pb.NOT_FOUND,
                "Specified file path does not appear to contain a SavedModel bundle (should have a file called"
                f" `saved_model.pb`)\nSpecified file path: {path}",
            )
        self._graph = tf.Graph()
        self._session = tf.compat.v1.Session(
            graph=self._graph,
            config=tf.compat.v1.ConfigProto(
                intra_op_parallelism_threads=intra_op_threads, inter_op_parallelism_threads=inter_op_threads
            ),
        )
        try:
            self.signatures: Mapping[str, pb.SignatureDef] = self._restore(path)
            self._handles = self._resolve_handles()
        except BaseException:
            self.close()
            raise

    def run(self, feeds: Mapping[str, Array], fetches: Sequence[str], timeout_s: float | None) -> Sequence[Array]:
        """Compute the tensors named by `fetches`; raises ServerError with the session's own text."""
        try:
            inputs = {self._handles[name]: array for name, array in feeds.items()}
            outputs = [self._handles[name] for name in fetches]
        except KeyError as exc:
            raise ServerError(
                pb.INVALID_ARGUMENT, f"Tensor {exc}, specified in the signature, was not found in the Graph"
            ) from exc
        timeout_ms = 0 if timeout_s is None else max(int(timeout_s * 1000), 1)  # 0: no limit
        options = pywrap_tf_session.TF_NewBufferFromString(
            tf.compat.v1.RunOptions(timeout_in_ms=timeout_ms).SerializeToString()
        )
        try:
            result: Sequence[Array] = pywrap_tf_session.TF_SessionRun_wrapper(
                self._session._session, options, inputs, outputs, [], None
            )
        except tf.errors.OpError as exc:
            raise ServerError(_code(exc), exc.message) from exc
        else:
            return result
        finally:
            pywrap_tf_session.TF_DeleteBuffer(options)

    def close(self) -> None:
        """Free the session and give its memory back to the operating system."""
        try:
            self._session.close()
        except tf.errors.OpError:
            _LOG.exception("closing a session failed")
        self._handles = {}
        del self._session, self._graph
        gc.collect()
        _trim_heap()

    def _restore(self, path: Path) -> dict[str, pb.SignatureDef]:
        try:
            loader = SavedModelLoader(str(path))
        except OSError as exc:  # the file is there, so its content is cut off or no SavedModel
            raise ServerError(pb.OUT_OF_RANGE, f"Read less bytes than requested: {exc}") from exc
        try:
            with self._graph.as_default():
                saver, _ = loader.load_graph(self._graph, [_SERVE_TAG], clear_devices=False)
                if (path / "variables" / "variables.index").is_file():
                    loader.restore_variables(self._session, saver)
                elif self._has_variables():
                    raise ServerError(pb.NOT_FOUND, f"The model has variables, but no values for them: {path}")
                loader.run_init_ops(self._session, [_SERVE_TAG])
            meta_graph = loader.get_meta_graph_def_from_tags([_SERVE_TAG])
        except tf.errors.OpError as exc:
            raise ServerError(_code(exc), exc.message) from exc
        except RuntimeError as exc:
            raise ServerError(pb.NOT_FOUND, f"Could not find meta graph def: {exc}") from exc
        except (ValueError, KeyError, TypeError) as exc:
            raise ServerError(pb.INVALID_ARGUMENT, f"SavedModel cannot be loaded: {exc}") from exc
        return {
            name: pb.SignatureDef.FromString(signature.SerializeToString())
            for name, signature in meta_graph.signature_def.items()
        }

    def _has_variables(self) -> bool:
        return any(operation.type in _VARIABLE_OPS for operation in self._graph.get_operations())

    def _resolve_handles(self) -> dict[str, Any]:
        """Look up the tensors of all signatures once; names that are no tensors (init ops) are left out."""
        names = {
            info.name
            for signature in self.signatures.values()
            for info in (*signature.inputs.values(), *signature.outputs.values())
        }
        handles = {}
        for name in names:
            try:
                handles[name] = self._graph.get_tensor_by_name(name)._as_tf_output()
            except (KeyError, ValueError):
                continue
        return handles


def _code(error: tf.errors.OpError) -> pb.Code:
    code: pb.Code = error.error_code
    return code


def _trim_heap() -> None:
    """Return freed memory; without it the process keeps what every retired version used."""
    try:
        ctypes.CDLL(None).malloc_trim(0)
    except (OSError, AttributeError):  # not glibc
        return
