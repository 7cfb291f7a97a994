"""Write what a real TensorFlow Serving needs before it starts for the conformance suite.

`python tests/contract/prepare_models.py FOLDER [MOUNT]` writes the first version of one model and the configuration
files into FOLDER, which the server sees as MOUNT, and prints how to start it.
"""

import argparse
import shutil
import tempfile
from pathlib import Path

from export_models import main as export
from model_server import write_config, write_monitoring

BASE_MODEL = "contract-base"

FLAGS = (
    "--port=8500",
    "--rest_api_port=8501",
    "--model_config_file={mount}/models.pbtxt",
    "--monitoring_config_file={mount}/monitoring.pbtxt",
    "--file_system_poll_wait_seconds=1",
    "--num_load_threads=2",
    "--num_unload_threads=1",
    "--max_num_load_retries=1",
    "--load_retry_interval_micros=100000",
    "--tensorflow_intra_op_parallelism=1",
    "--tensorflow_inter_op_parallelism=4",
    "--grpc_max_threads=128",
    "--enable_profiler=false",
    "--enable_grpc_healthcheck_service=true",
)


def prepare(folder: Path, mount: str) -> list[str]:
    """Write the files and return the flags of the server."""
    version = folder / BASE_MODEL / "1"
    if not version.exists():
        version.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder, prefix=".tmp-") as part:
            export(Path(part))
            shutil.move(Path(part) / "frozen" / "1", version)
    write_config(folder / "models.pbtxt", (BASE_MODEL, Path(mount) / BASE_MODEL, "latest { num_versions: 2 }"))
    write_monitoring(folder / "monitoring.pbtxt")
    return [flag.format(mount=mount) for flag in FLAGS]


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("mount", nargs="?")
    arguments = parser.parse_args()
    folder = arguments.folder.resolve()
    flags = prepare(folder, arguments.mount or str(folder))
    print("tensorflow_model_server \\\n  " + " \\\n  ".join(flags))
    print(f"\nTFS_ADDR=127.0.0.1:8500 TFS_REST_ADDR=127.0.0.1:8501 TFS_MODELS={folder}", end="")
    print(f" TFS_MODELS_MOUNT={arguments.mount}" if arguments.mount else "", end="")
    print(" python -m pytest tests/contract")
