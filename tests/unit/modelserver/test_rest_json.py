"""JSON becomes arrays of the signature's types, or a sentence; arrays become JSON."""

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from familiar.wire import serving_pb2 as pb
from familiar_modelserver.errors import ServerError
from familiar_modelserver.rest_json import dump, parse_body, read_arrays, write_arrays


def signature(**dtypes):
    return pb.SignatureDef(
        inputs={name: pb.TensorInfo(name=f"{name}:0", dtype=dtype) for name, dtype in dtypes.items()}
    )


def read(document, **dtypes):
    return read_arrays(parse_body(json.dumps(document).encode()), signature(**dtypes))


def test_rows_and_columns_mean_the_same():
    rows = read({"instances": [{"a": 1, "b": "x"}, {"a": 2, "b": "y"}]}, a=pb.DT_INT64, b=pb.DT_STRING)
    columns = read({"inputs": {"a": [1, 2], "b": ["x", "y"]}}, a=pb.DT_INT64, b=pb.DT_STRING)
    for name in ("a", "b"):
        assert rows[name].tolist() == columns[name].tolist()
    assert rows["a"].dtype == np.int64


def test_scalar_column_is_a_scalar():
    assert read({"inputs": 3.5}, x=pb.DT_FLOAT)["x"].shape == ()


def test_whole_numbers_are_floats_where_floats_are_expected():
    assert read({"instances": [1, 2]}, x=pb.DT_FLOAT)["x"].dtype == np.float32


@pytest.mark.parametrize(
    ("values", "dtype"),
    [
        ([1.5], pb.DT_INT32),
        ([True], pb.DT_INT32),
        ([True], pb.DT_FLOAT),
        (["1"], pb.DT_FLOAT),
        ([1], pb.DT_BOOL),
        ([1], pb.DT_STRING),
        ([None], pb.DT_FLOAT),
        ([256], pb.DT_UINT8),
        ([-1], pb.DT_UINT32),
        ([2**70], pb.DT_INT64),
        ([[1], [1, 2]], pb.DT_INT32),
        ([[1], 2], pb.DT_INT32),
        ([1, [2]], pb.DT_INT32),
    ],
)
def test_values_of_another_type_or_form_are_refused(values, dtype):
    with pytest.raises(ServerError) as caught:
        read({"inputs": values}, x=dtype)
    assert caught.value.code == pb.INVALID_ARGUMENT


@pytest.mark.parametrize("dtype", [pb.DT_HALF, pb.DT_UINT16])
def test_types_without_json_form_are_unimplemented(dtype):
    with pytest.raises(ServerError) as caught:
        read({"inputs": [1]}, x=dtype)
    assert caught.value.code == pb.UNIMPLEMENTED


@given(
    st.recursive(
        st.none() | st.booleans() | st.floats() | st.integers() | st.text(),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
        max_leaves=10,
    ),
    st.sampled_from(["instances", "inputs"]),
    st.sampled_from([pb.DT_FLOAT, pb.DT_INT32, pb.DT_STRING, pb.DT_BOOL]),
)
def test_any_document_is_read_or_refused(values, form, dtype):
    try:
        arrays = read({form: values}, x=dtype)
    except ServerError:
        return
    assert set(arrays) == {"x"}


@given(st.floats(width=32, allow_nan=False, allow_infinity=False))
def test_floats_are_written_in_their_shortest_form(value):
    (written,) = write_arrays({"y": np.array([value], np.float32)}, by_row=True)["predictions"]
    assert np.float32(written) == np.float32(value)
    assert len(repr(written)) <= len(str(np.float32(value))) + 4


def test_special_floats_are_bare():
    assert b"NaN" in dump(write_arrays({"y": np.array([np.nan], np.float32)}, by_row=False))


def test_rows_of_several_outputs_are_objects():
    outputs = {"y": np.array([[1.0], [2.0]], np.float32), "k": np.array([3, 4])}
    assert write_arrays(outputs, by_row=True) == {"predictions": [{"y": [1.0], "k": 3}, {"y": [2.0], "k": 4}]}


@pytest.mark.parametrize("other", [np.float32(1), np.zeros(3)])
def test_rows_need_one_first_dimension(other):
    with pytest.raises(ServerError):
        write_arrays({"a": np.zeros(2), "b": np.asarray(other)}, by_row=True)
