"""Which folders are versions, and which of them should be served."""

import pytest

from familiar.wire import serving_pb2 as pb
from familiar_modelserver.storage import aspired_versions, version_of

LATEST_2 = pb.ServableVersionPolicy(latest={"num_versions": 2})


@pytest.fixture
def base(tmp_path):
    def make(*names):
        for name in names:
            (tmp_path / name).mkdir()
        return tmp_path

    return make


@pytest.mark.parametrize(
    ("name", "version"),
    [
        ("1", 1),
        ("0001", 1),
        ("+5", 5),
        (" 7 ", 7),
        ("\t7\n", 7),
        ("-3", -3),
        ("9223372036854775807", 2**63 - 1),
        ("-9223372036854775808", -(2**63)),
    ],
)
def test_decimal_numbers_are_versions(name, version):
    assert version_of(name) == version


@pytest.mark.parametrize(
    "name",
    [
        "",
        " ",
        "+",
        "1_000",
        "1.0",
        "0x10",
        "1.tmp",
        ".3",
        "tmp-3",
        "+-3",
        "1 2",
        "٣",
        "9223372036854775808",
        "9" * 5000,
    ],
)
def test_other_names_are_not(name):
    assert version_of(name) is None


@pytest.mark.parametrize(
    ("policy", "expected"),
    [
        (pb.ServableVersionPolicy(), {9}),
        (pb.ServableVersionPolicy(latest={"num_versions": 0}), {9}),
        (LATEST_2, {3, 9}),
        (pb.ServableVersionPolicy(latest={"num_versions": 10}), {1, 3, 9}),
        (pb.ServableVersionPolicy(all={}), {1, 3, 9}),
        (pb.ServableVersionPolicy(specific={"versions": [1, 9]}), {1, 9}),
    ],
    ids=["default", "latest 0", "latest 2", "latest 10", "all", "specific"],
)
def test_policy_chooses_versions(base, policy, expected):
    found, warnings = aspired_versions("m", base("1", "3", "9", "tmp-10"), policy)
    assert set(found) == expected
    assert warnings == ()


def test_missing_specific_version_is_a_warning(base):
    found, warnings = aspired_versions("m", base("1"), pb.ServableVersionPolicy(specific={"versions": [1, 7]}))
    assert set(found) == {1}
    assert "Version 7" in warnings[0]


def test_empty_folder_is_a_warning_and_no_versions(base):
    found, warnings = aspired_versions("m", base(), LATEST_2)
    assert found == {}
    assert "Did you forget to name your leaf directory as a number" in warnings[0]


def test_last_of_two_names_wins(base):
    found, warnings = aspired_versions("m", base("0001", "1"), LATEST_2)
    assert found[1].name == "1"
    assert "Duplicate version directories" in warnings[0]


def test_first_of_two_names_wins_when_all_are_served(base):
    found, _ = aspired_versions("m", base("0001", "1"), pb.ServableVersionPolicy(all={}))
    assert found[1].name == "0001"


def test_plain_file_named_like_a_number_counts(base):
    folder = base("1")
    (folder / "2").write_text("")
    assert set(aspired_versions("m", folder, LATEST_2)[0]) == {1, 2}


def test_missing_base_path_is_an_error(tmp_path):
    with pytest.raises(FileNotFoundError):
        aspired_versions("m", tmp_path / "nowhere", LATEST_2)
