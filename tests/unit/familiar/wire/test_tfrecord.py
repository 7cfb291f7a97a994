"""Our record files are those of TensorFlow, byte for byte, and damage is noticed."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from familiar.wire.tfrecord import crc32c, read_records, write_records

_RECORDS = [b"", b"a", b"\x00" * 100, bytes(range(256)) * 5]


def test_checksum_of_the_standard_check_string():
    assert crc32c(b"123456789") == 0xE3069283


@given(st.lists(st.binary(max_size=200), max_size=5))
def test_records_survive_a_round_trip(tmp_path_factory, records):
    path = tmp_path_factory.mktemp("records") / "file"
    assert write_records(path, records) == len(records)
    assert list(read_records(path)) == records


def test_file_equals_that_of_tensorflow(tmp_path):
    tf = pytest.importorskip("tensorflow")
    ours, theirs = tmp_path / "ours", tmp_path / "theirs"
    write_records(ours, _RECORDS)
    with tf.io.TFRecordWriter(str(theirs)) as writer:
        for record in _RECORDS:
            writer.write(record)
    assert ours.read_bytes() == theirs.read_bytes()


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "file"
    write_records(path, _RECORDS[1:2])
    return path


def test_every_truncation_is_noticed(file):
    whole = file.read_bytes()
    for size in range(1, len(whole)):
        file.write_bytes(whole[:size])
        with pytest.raises(ValueError, match="truncated"):
            list(read_records(file))


def test_every_flipped_bit_is_noticed(file):
    whole = file.read_bytes()
    for position in range(len(whole)):
        file.write_bytes(whole[:position] + bytes([whole[position] ^ 1]) + whole[position + 1 :])
        with pytest.raises(ValueError, match="corrupted"):
            list(read_records(file))
