"""The command line understands TensorFlow Serving's flags and forgives the others."""

import pytest

from familiar_modelserver.flags import IGNORED, parse_flags


def test_flags_of_tensorflow_serving_are_read():
    flags, unknown = parse_flags(
        ["--port=9", "--max_num_load_retries=2", "--enable_model_warmup=false", "--model_base_path=/m"]
    )
    assert (flags.port, flags.max_num_load_retries, flags.enable_model_warmup) == (9, 2, False)
    assert unknown == ()


def test_boolean_flag_may_stand_alone():
    assert parse_flags(["--open_ports_early"])[0].open_ports_early is True


def test_unknown_flags_are_reported_not_refused(capsys):
    flags, unknown = parse_flags(["--enable_batching", "--port=9"])
    assert (flags.port, unknown) == (9, ("--enable_batching",))
    assert "unknown argument: --enable_batching" in capsys.readouterr().err


def test_abbreviations_are_unknown():
    assert parse_flags(["--por=9"])[1] == ("--por=9",)


@pytest.mark.parametrize("name", IGNORED)
def test_flags_without_effect_are_accepted(name):
    assert parse_flags([f"--{name}=1"])[1] == ()


def test_port_zero_is_off_unless_a_port_file_tells():
    assert not parse_flags(["--port=0"])[0].serves_grpc_port
    assert parse_flags(["--port=0", "--port_file=/tmp/p"])[0].serves_rest
