"""A processor that TensorFlow's packages cannot run on is told in a sentence, not by an illegal instruction."""

import platform
from pathlib import Path

import pytest

from familiar.errors import MisconfiguredError
from familiar_trainer.tf_runtime import require_avx


@pytest.mark.parametrize(
    ("machine", "flags", "usable"),
    [
        ("x86_64", "flags\t\t: fpu sse4_2 avx avx2", True),
        ("x86_64", "flags\t\t: fpu sse4_2 avxlike", False),
        ("aarch64", "Features\t: fp asimd", True),
    ],
)
def test_a_processor_without_avx_is_refused(
    machine: str, flags: str, usable: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(platform, "machine", lambda: machine)
    cpuinfo = tmp_path / "cpuinfo"
    cpuinfo.write_text(f"processor\t: 0\n{flags}\n")
    if usable:
        require_avx(cpuinfo)
    else:
        with pytest.raises(MisconfiguredError, match="no AVX"):
            require_avx(cpuinfo)
    require_avx(tmp_path / "absent")
