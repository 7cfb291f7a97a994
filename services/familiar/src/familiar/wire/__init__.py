"""Wire: the bytes exchanged with a model server, messages, tensors and warm-up records, without TensorFlow."""

from familiar.wire import serving_pb2
from familiar.wire.metadata import SOFTWARE
from familiar.wire.tensor import decode, dtype_of, encode
from familiar.wire.warmup import WarmupRequest, read_warmup, write_warmup

__all__ = ["SOFTWARE", "WarmupRequest", "decode", "dtype_of", "encode", "read_warmup", "serving_pb2", "write_warmup"]
