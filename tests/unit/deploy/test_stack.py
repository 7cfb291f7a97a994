"""What becomes of a composed file for Swarm, which takes a port of a service without an address of its own only so."""

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

TO_STACK = Path(__file__).parents[3] / "deploy" / "compose" / "to-stack"


def stack_of(**services: dict[str, Any]) -> dict[str, Any]:
    project = {"services": services, "networks": {"outer": {}}, "volumes": {"certificates": {}}}
    done = subprocess.run([TO_STACK], input=json.dumps(project), text=True, capture_output=True, timeout=60, check=True)
    return dict(json.loads(done.stdout)["services"])


@pytest.mark.parametrize(
    ("deploy", "mode", "expected"),
    [({"endpoint_mode": "dnsrr"}, "ingress", "host"), ({"endpoint_mode": "dnsrr"}, None, "host"),
     ({"endpoint_mode": "dnsrr"}, "host", "host"), ({"endpoint_mode": "vip"}, "ingress", "ingress"),
     ({}, "ingress", "ingress")],
)  # fmt: skip
def test_a_service_without_an_address_of_its_own_has_its_ports_on_the_node(
    deploy: dict[str, str], mode: str | None, expected: str
) -> None:
    port = {"target": 8443, "published": "443", "protocol": "tcp", "host_ip": "127.0.0.1"}
    given = port if mode is None else {**port, "mode": mode}
    (made,) = stack_of(proxy={"image": "p", "deploy": deploy, "ports": [given]})["proxy"]["ports"]
    assert made == {"mode": expected, "target": 8443, "published": 443, "protocol": "tcp"}
