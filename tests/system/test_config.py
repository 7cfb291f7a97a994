"""Every combination of overrides and profiles that docs/operations.md names is accepted by every Compose there is."""

import json
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest

import engine
from stack import BASE, MODELSERVER

POSTGRESQL, REPLICAS, WEBCAM, CAMERAS, SWARM, HTTPS = (
    f"deploy/compose/{name}.yml" for name in ("postgresql", "replicas", "webcam", "cameras", "swarm", "https")
)
FILES = [
    (),
    (MODELSERVER,),
    (POSTGRESQL,),
    (MODELSERVER, POSTGRESQL),
    (WEBCAM,),
    (MODELSERVER, WEBCAM),
    (CAMERAS,),
    (POSTGRESQL, REPLICAS),
    (MODELSERVER, POSTGRESQL, REPLICAS),
    (POSTGRESQL, REPLICAS, SWARM),
    (MODELSERVER, POSTGRESQL, REPLICAS, SWARM),
    (HTTPS,),
    (MODELSERVER, HTTPS),
    (POSTGRESQL, HTTPS),
    (POSTGRESQL, REPLICAS, HTTPS),
    (MODELSERVER, POSTGRESQL, REPLICAS, HTTPS),
    (POSTGRESQL, REPLICAS, SWARM, HTTPS),
    (MODELSERVER, POSTGRESQL, REPLICAS, SWARM, HTTPS),
]
NEW = {REPLICAS, HTTPS}
"""They take a port away, which docker-compose 1 has no word for; the docs say so."""
PROFILES = [(), ("ops",), ("camera",), ("ops", "camera", "events")]


@pytest.mark.parametrize(
    ("files", "profiles"),
    [pytest.param(f, p, id="+".join(Path(x).stem for x in (*f, *p)) or "base") for f in FILES for p in PROFILES],
)
def test_compose_accepts(compose: tuple[str, ...], files: tuple[str, ...], profiles: tuple[str, ...]) -> None:
    for command in engine.composes():
        if NEW & set(files) and not engine.modern(command):
            continue
        options = [part for file in (BASE, *files) for part in ("-f", file)]
        chosen = [part for profile in profiles for part in ("--profile", profile)]
        engine.run(*command, *options, *chosen, "config", "-q")


def test_the_docs_name_no_combination_that_is_not_tried() -> None:
    docs = (engine.ROOT / "docs" / "operations.md").read_text()
    named = {
        tuple(re.findall(r"-f (deploy/compose/\w+\.yml)", line)) for line in docs.splitlines() if "-f deploy/" in line
    } | {
        tuple(part for part in line.split("=", 1)[1].split(":") if part != BASE)
        for line in docs.splitlines()
        if line.startswith("COMPOSE_FILE=")
    }
    assert named
    assert named <= set(FILES)


@pytest.mark.parametrize("files", [(HTTPS,), (MODELSERVER, POSTGRESQL, REPLICAS, HTTPS)], ids=["one", "replicas"])
def test_with_https_the_gateway_has_no_port_and_the_authority_alone_its_key(
    compose: tuple[str, ...], files: tuple[str, ...]
) -> None:
    modern = [command for command in engine.composes() if engine.modern(command)]
    if not modern:
        pytest.skip("https.yml needs Compose 2")
    options = [part for file in (BASE, *files) for part in ("-f", file)]
    ports = {"GATEWAY_PORT": "80", "HTTPS_PORT": "443", "HTTPS_NAMES": "door.lan"}
    found = json.loads(engine.run(*modern[0], *options, "config", "--format", "json", env=ports))["services"]
    published = {
        name: [(port["published"], port["target"]) for port in each["ports"]]
        for name, each in found.items()
        if each.get("ports")
    }
    assert published == {"authority": [("80", 8080)], "proxy": [("443", 8443)]}
    assert [name for name, each in found.items() if _mounts(each, "authority")] == ["authority"]
    assert sorted(name for name, each in found.items() if _mounts(each, "certificates")) == ["authority", "proxy"]
    assert found["authority"]["environment"]["HTTPS_PORT"] == "443"
    for name in ("authority", "gateway"):
        assert found[name]["environment"]["HTTPS_NAMES"] == "door.lan"
    assert found["gateway"]["environment"]["ALLOWED_HOSTS"].startswith("gateway,familiar.local,")
    for name in ("authority", "proxy"):
        its = found[name]
        assert its["read_only"] and its["cap_drop"] == ["ALL"] and its["user"] == "10001:10001" and its["mem_limit"]
        assert its["security_opt"] == ["no-new-privileges:true"] and list(its["networks"]) == ["outer"]


def test_a_swarm_speaks_https_as_the_rest_does(compose: tuple[str, ...]) -> None:
    modern = [command for command in engine.composes() if engine.modern(command)]
    if not modern:
        pytest.skip("https.yml needs Compose 2")
    options = [part for file in (BASE, POSTGRESQL, REPLICAS, SWARM, HTTPS) for part in ("-f", file)]
    config = engine.run(*modern[0], *options, "config", "--format", "json")
    made = subprocess.run(
        [engine.ROOT / "deploy/compose/to-stack"], input=config, text=True, capture_output=True, check=True
    )
    found = json.loads(made.stdout)["services"]
    published = {name: [(port["target"], port["mode"]) for port in each.get("ports", [])]
                 for name, each in found.items() if each.get("ports")}  # fmt: skip
    assert published == {"authority": [(8080, "ingress")], "proxy": [(8443, "host")]}
    assert found["proxy"]["environment"]["CERTIFICATE"] == "/certificates/server.pem"
    assert "authority" in found


def _mounts(service: dict[str, Any], volume: str) -> bool:
    return any(each["source"] == volume for each in service.get("volumes", []))
