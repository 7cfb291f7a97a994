"""Footprint: what the gateway costs before its first request, each time in a fresh process."""

import json
import statistics
import subprocess
import sys

from bench.figures import Figures

_RUNS = 5
_PROBE = """
import json, sys, time
start = time.perf_counter()
import familiar_gateway.app
from familiar_gateway import services
from familiar.settings import Settings
imported = time.perf_counter() - start
its = services.build(Settings(database_url="sqlite://"))
app = familiar_gateway.app.create_app(its)
built = time.perf_counter() - start
assert app.test_client().get("/healthz").status_code == 200
assert not {"tensorflow", "keras", "dlib"} & {name.split(".")[0] for name in sys.modules}
rss_kb = int(next(line for line in open("/proc/self/status") if line.startswith("VmRSS")).split()[1])
print(json.dumps({"import_s": imported, "ready_s": built, "rss_mb": rss_kb / 1024, "modules": len(sys.modules)}))
"""


def footprint() -> Figures:
    """Return what importing and building the gateway takes, as the median of five runs."""
    runs = [json.loads(subprocess.check_output([sys.executable, "-c", _PROBE], timeout=120)) for _ in range(_RUNS)]
    median = {name: statistics.median(run[name] for run in runs) for name in runs[0]}
    return {
        "import_s": round(median["import_s"], 2),
        "until it can serve, s": round(median["ready_s"], 2),
        "resident_mb": round(median["rss_mb"]),
        "modules": int(median["modules"]),
    }
