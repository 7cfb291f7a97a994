"""What the containers may do, what they hold, and who can reach them."""

import json
import re

import pytest

import engine
import processes
from stack import SERVICES, Stack, until

OURS = ("gateway", "trainer", "camera")
_LARGEST_GATEWAY_BYTES = 320_000_000
_BEGUN_WITHIN_S, _CHECKED_WITHIN_S = 20.0, 90.0
_SECRET = re.compile(r"(?i)(password|passwd|secret|token|api_?key)\s*[=:]\s*\S+|BEGIN [A-Z ]*PRIVATE KEY")


@pytest.mark.parametrize("service", SERVICES)
def test_no_process_is_roots_and_none_can_become_so(ready: Stack, service: str) -> None:
    pid = ready.inspect(service)["State"]["Pid"]
    host = ready.inspect(service)["HostConfig"]
    pids = [int(each) for each in engine.docker("top", ready.container(service), "-eo", "pid").split()[1:]]
    assert pid in pids
    assert has_no_power(pid)
    for each in pids:
        # A health check may end while it is looked at, and is the engine's until its program has begun.
        until(lambda each=each: has_ended(each) or has_no_power(each), _BEGUN_WITHIN_S, f"process {each} has no power")
    assert host["ReadonlyRootfs"] is True
    assert host["Memory"] > 0
    assert host["PidsLimit"] > 0
    assert host["RestartPolicy"]["Name"] == "unless-stopped"


def has_ended(pid: int) -> bool:
    """Whether there is no such process any more."""
    return processes.status(pid) is None


def has_no_power(pid: int) -> bool:
    """Whether a process is not root's, and can never become so."""
    told = processes.status(pid)
    return (
        told is not None
        and all(int(uid) != 0 for uid in told["Uid"].split())
        and int(told["CapEff"], 16) == int(told["CapBnd"], 16) == 0
        and told["NoNewPrivs"] == "1"
    )


def test_one_port_is_published_and_only_on_loopback(ready: Stack) -> None:
    published = {
        (service, port, binding["HostIp"])
        for service in SERVICES
        for port, bindings in ready.inspect(service)["NetworkSettings"]["Ports"].items()
        for binding in bindings or ()
    }
    assert published == {("gateway", "8080/tcp", "127.0.0.1")}


@pytest.mark.parametrize("service", ["redis", "serving", "trainer"])
def test_what_asks_nobody_for_a_key_has_no_way_out_or_in(ready: Stack, service: str) -> None:
    networks = ready.inspect(service)["NetworkSettings"]["Networks"]
    assert list(networks) == [f"{ready.project}_inner"]
    assert json.loads(engine.docker("network", "inspect", f"{ready.project}_inner"))[0]["Internal"] is True


@pytest.mark.parametrize("service", SERVICES)
def test_every_container_says_whether_it_is_well(ready: Stack, service: str) -> None:
    # Its last check may have been made while another test kept it from answering.
    until(lambda: ready.inspect(service)["State"]["Health"]["Status"] == "healthy", _CHECKED_WITHIN_S, service)


@pytest.mark.parametrize("service", OURS)
def test_an_image_holds_nothing_that_builds_or_installs(built: None, service: str) -> None:
    script = (
        "for tool in pip gcc cc make git curl; do command -v /opt/venv/bin/$tool || true; done; ls /opt/venv/bin; id -u"
    )
    listed = _in_image(service, script).split()
    assert not {"pip", "pip3", "uv", "gcc", "cc"} & set(listed)
    assert listed[-1] == "10001"
    assert _in_image(service, "ls -A /root 2>/dev/null | grep -c cache || true").strip() in ("", "0")


def test_the_gateways_image_is_small_and_free_of_tensorflow(built: None) -> None:
    assert (
        _in_image("gateway", "ls /opt/venv/lib/python3.*/site-packages | grep -ic '^tensorflow' || true").strip() == "0"
    )
    base = _size("python:3.11-slim-bookworm")
    assert _size("familiar-gateway:latest") - base <= _LARGEST_GATEWAY_BYTES


@pytest.mark.parametrize("service", OURS)
def test_no_secret_is_in_an_image(built: None, service: str) -> None:
    image = f"familiar-{service}:latest"
    layers = engine.docker("history", "--no-trunc", "--format", "{{.CreatedBy}}", image)
    environment = engine.docker("inspect", "-f", "{{json .Config.Env}}", image)
    assert not _SECRET.search(layers + environment)
    # Certificates of authorities that packages bring along are no secrets.
    script = (
        "find / -xdev \\( -name '.env*' -o -name '.git' -o -name '*.pem' -o -name 'id_*' \\) -type f 2>/dev/null"
        " | xargs -r grep -l 'PRIVATE KEY\\|=' | grep -v '^/etc/ssl/\\|^/usr/\\|/roots.pem$\\|/cacert.pem$' || true"
    )
    assert _in_image(service, script).split() == []


def test_no_secret_is_in_the_logs(ready: Stack) -> None:
    assert not _SECRET.search(ready.compose("logs", "--no-color"))


def _in_image(service: str, script: str) -> str:
    return engine.docker(
        "run", "--rm", "--network=none", "--entrypoint", "bash", f"familiar-{service}:latest", "-c", script
    )


def _size(image: str) -> int:
    return int(engine.docker("image", "inspect", "-f", "{{.Size}}", image))
