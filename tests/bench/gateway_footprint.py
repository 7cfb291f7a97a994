"""What the gateway costs before its first request: `python tests/bench/gateway_footprint.py` prints one table.

Each figure is of a fresh process; the import time is the median of several.
"""

import json
import statistics
import subprocess
import sys

_RUNS = 5
_PROBE = """
import json, resource, sys, time
start = time.perf_counter()
import familiar_gateway.app
from familiar_gateway import services
from familiar.settings import Settings
imported = time.perf_counter() - start
its = services.build(Settings(database_url="sqlite://"))
app = familiar_gateway.app.create_app(its)
built = time.perf_counter() - start
assert app.test_client().get("/healthz").status_code == 200
rss_kb = int(next(line for line in open("/proc/self/status") if line.startswith("VmRSS")).split()[1])
heavy = sorted({name.split(".")[0] for name in sys.modules} & {"tensorflow", "keras", "dlib"})
figures = {"import_s": imported, "ready_s": built, "rss_mb": rss_kb / 1024, "modules": len(sys.modules), "heavy": heavy}
print(json.dumps(figures))
"""


def measure() -> dict[str, float]:
    """Return the figures of one fresh process."""
    done = subprocess.run([sys.executable, "-c", _PROBE], capture_output=True, text=True, check=True, timeout=120)
    found: dict[str, float] = json.loads(done.stdout)
    return found


def main() -> None:
    """Print the table."""
    runs = [measure() for _ in range(_RUNS)]
    print(f"gateway, {_RUNS} fresh processes (median)")
    print(f"  import time        {statistics.median(run['import_s'] for run in runs):8.2f} s")
    print(f"  until it can serve {statistics.median(run['ready_s'] for run in runs):8.2f} s")
    print(f"  resident memory    {statistics.median(run['rss_mb'] for run in runs):8.1f} MB")
    print(f"  modules            {runs[0]['modules']:8d}")
    print(f"  TensorFlow, Keras  {', '.join(runs[0]['heavy']) or 'none':>8}")


if __name__ == "__main__":
    main()
