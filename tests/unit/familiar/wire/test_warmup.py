"""Warm-up records say what to replay, and are read back only if a server could replay them."""

import numpy as np
import pytest

from familiar.wire import serving_pb2 as pb
from familiar.wire.tensor import decode
from familiar.wire.tfrecord import write_records
from familiar.wire.warmup import MAX_RECORDS, WARMUP_FILE, read_warmup, write_warmup


def test_requests_survive_a_round_trip(tmp_path):
    requests = [
        ("serving_default", {"image": np.zeros((2, 3), np.uint8)}),
        ("describe", {"query": np.array([b""], object)}),
    ]
    assert write_warmup(tmp_path, requests) == 2
    back = list(read_warmup(tmp_path))
    assert [request.model_spec.signature_name for request in back] == ["serving_default", "describe"]
    assert decode(back[0].inputs["image"]).shape == (2, 3)
    assert decode(back[1].inputs["query"]).tolist() == [b""]


def test_version_without_records_has_nothing_to_replay(tmp_path):
    assert list(read_warmup(tmp_path)) == []


def test_more_records_than_a_server_accepts_are_not_written(tmp_path):
    requests = [("s", {"x": np.zeros(1)})] * (MAX_RECORDS + 1)
    with pytest.raises(ValueError, match="at most 1000"):
        write_warmup(tmp_path, requests)


@pytest.mark.parametrize(
    ("record", "reason"),
    [
        (b"\xff\xff\xff", "Failed to parse warmup record: \udcff\udcff\udcff from "),
        (b"", "not a predict request"),
    ],
)
def test_other_records_are_refused(tmp_path, record, reason):
    path = tmp_path / WARMUP_FILE
    path.parent.mkdir()
    write_records(path, [record])
    with pytest.raises(ValueError, match=reason):
        list(read_warmup(tmp_path))


def test_official_package_reads_our_records(tmp_path):
    log_pb2 = pytest.importorskip("tensorflow_serving.apis.prediction_log_pb2")
    write_warmup(tmp_path, [("describe", {"query": np.array([b"q"], object)})])
    (request,) = read_warmup(tmp_path)
    ours = pb.PredictionLog(predict_log=pb.PredictLog(request=request))
    official = log_pb2.PredictionLog.FromString(ours.SerializeToString())
    assert official.predict_log.request.model_spec.signature_name == "describe"
    assert official.predict_log.request.inputs["query"].string_val == [b"q"]
