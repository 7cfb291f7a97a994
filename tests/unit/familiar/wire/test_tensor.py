"""Arrays survive the wire, and malformed messages are refused with a sentence."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst

from familiar.wire import serving_pb2 as pb
from familiar.wire.tensor import decode, dtype_of, encode

_DTYPES = ["f4", "f8", "i4", "u1", "i2", "i1", "i8", "?", "u2", "f2", "u4", "u8"]

_numbers = st.sampled_from(_DTYPES).flatmap(
    lambda dtype: npst.arrays(np.dtype(dtype), npst.array_shapes(min_dims=0, max_dims=4, min_side=0, max_side=4))
)
_strings = npst.arrays(
    np.dtype("O"), npst.array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=3), elements=st.binary()
)


def _dim(*sizes):
    return pb.TensorShape(dim=[pb.TensorShape.Dim(size=size) for size in sizes])


@given(_numbers, st.booleans())
def test_numbers_survive_a_round_trip(array, typed):
    message = pb.Tensor.FromString(encode(array, typed=typed).SerializeToString())
    back = decode(message)
    assert back.dtype == array.dtype
    assert back.shape == array.shape
    np.testing.assert_array_equal(back, array)


@given(_strings, st.booleans())
def test_strings_survive_a_round_trip(array, typed):
    back = decode(encode(array, typed=typed))
    assert back.shape == array.shape
    assert back.tolist() == array.tolist()


@given(_numbers)
def test_typed_form_never_uses_tensor_content(array):
    assert encode(array, typed=True).tensor_content == b""


def test_text_is_sent_as_utf8():
    assert decode(encode(np.array(["Zoë", "b"]))).tolist() == ["Zoë".encode(), b"b"]


def test_non_contiguous_and_big_endian_arrays_keep_their_values():
    array = np.arange(12, dtype=">f4").reshape(3, 4).T
    np.testing.assert_array_equal(decode(encode(array)), array)


def test_decoded_arrays_own_their_memory():
    array = decode(encode(np.zeros(3, np.float32)))
    array[0] = 1.0
    assert array[0] == 1.0


def test_short_field_repeats_its_last_value():
    message = pb.Tensor(dtype=pb.DT_FLOAT, tensor_shape=_dim(2, 2), float_val=[1.0, 2.0])
    assert decode(message).tolist() == [[1.0, 2.0], [2.0, 2.0]]


def test_short_string_field_repeats_its_last_value():
    message = pb.Tensor(dtype=pb.DT_STRING, tensor_shape=_dim(3), string_val=[b"a", b"b"])
    assert decode(message).tolist() == [b"a", b"b", b"b"]


@pytest.mark.parametrize("dtype", [pb.DT_FLOAT, pb.DT_UINT8, pb.DT_BOOL, pb.DT_HALF])
def test_empty_field_means_zeros(dtype):
    assert decode(pb.Tensor(dtype=dtype, tensor_shape=_dim(2))).tolist() == [0, 0]


def test_empty_string_field_means_empty_strings():
    assert decode(pb.Tensor(dtype=pb.DT_STRING, tensor_shape=_dim(2))).tolist() == [b"", b""]


_MALFORMED = {
    "no dtype": pb.Tensor(tensor_shape=_dim(1)),
    "unknown dtype": pb.Tensor(dtype=21, tensor_shape=_dim(1)),
    "unknown rank": pb.Tensor(dtype=pb.DT_FLOAT, tensor_shape=pb.TensorShape(unknown_rank=True)),
    "negative dimension": pb.Tensor(dtype=pb.DT_FLOAT, tensor_shape=_dim(2, -1)),
    "content too short": pb.Tensor(dtype=pb.DT_FLOAT, tensor_shape=_dim(2), tensor_content=b"\0" * 7),
    "content too long": pb.Tensor(dtype=pb.DT_FLOAT, tensor_shape=_dim(2), tensor_content=b"\0" * 9),
    "too many values": pb.Tensor(dtype=pb.DT_FLOAT, tensor_shape=_dim(1), float_val=[1.0, 2.0]),
    "too many strings": pb.Tensor(dtype=pb.DT_STRING, tensor_shape=_dim(1), string_val=[b"a", b"b"]),
    "value out of range": pb.Tensor(dtype=pb.DT_UINT8, tensor_shape=_dim(1), int_val=[256]),
    "negative half": pb.Tensor(dtype=pb.DT_HALF, tensor_shape=_dim(1), half_val=[-1]),
    "absurdly large": pb.Tensor(dtype=pb.DT_FLOAT, tensor_shape=_dim(1 << 40)),
    "overflowing": pb.Tensor(dtype=pb.DT_FLOAT, tensor_shape=_dim(1 << 40, 1 << 40)),
    "strings cut off": pb.Tensor(dtype=pb.DT_STRING, tensor_shape=_dim(2), tensor_content=b"\x01"),
    "strings too short": pb.Tensor(dtype=pb.DT_STRING, tensor_shape=_dim(1), tensor_content=b"\x05abc"),
}


@pytest.mark.parametrize("message", _MALFORMED.values(), ids=_MALFORMED.keys())
def test_malformed_tensors_are_refused(message):
    with pytest.raises(ValueError, match=r"\w+ \w+"):
        decode(message)


@given(st.sampled_from(pb.DataType.values()), st.binary(max_size=40), st.lists(st.integers(-2, 5), max_size=3))
def test_any_content_is_decoded_or_refused(dtype, content, sizes):
    message = pb.Tensor(dtype=dtype, tensor_shape=_dim(*sizes), tensor_content=content)
    try:
        array = decode(message)
    except ValueError:
        return
    assert array.shape == tuple(sizes)


@pytest.mark.parametrize("array", [np.zeros(2, np.complex64), np.zeros(2, "M8[s]"), np.array([1, None], object)])
def test_arrays_that_cannot_be_sent_are_refused(array):
    with pytest.raises(ValueError, match=r"cannot be sent|bytes or str"):
        encode(array)


@pytest.fixture(scope="module")
def tf():
    return pytest.importorskip("tensorflow")


@pytest.mark.parametrize("typed", [False, True])
@pytest.mark.parametrize("dtype", [*_DTYPES, "O"])
def test_tensorflow_reads_what_we_write_and_we_read_what_it_writes(tf, dtype, typed):
    array = np.array([[b"a", b""], [b"\xff", b"d"]], object) if dtype == "O" else np.eye(2).astype(dtype)
    official = tf.make_tensor_proto(array)
    parsed = type(official).FromString(encode(array, typed=typed).SerializeToString())
    np.testing.assert_array_equal(tf.make_ndarray(parsed), array)
    np.testing.assert_array_equal(decode(pb.Tensor.FromString(official.SerializeToString())), array)
    assert official.dtype == dtype_of(array)


def test_packed_strings_are_read_as_tensorflow_writes_them(tf):
    strings = [b"", b"x" * 300, b"yz"]
    official = tf.io.serialize_tensor(tf.constant(strings)).numpy()
    assert decode(pb.Tensor.FromString(official)).tolist() == strings
