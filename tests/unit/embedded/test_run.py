"""The embedded run with small programs in the place of the services."""

import os
import signal
import socket
import stat
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest
from redis import Redis
from redis.exceptions import RedisError

from processes import is_running

from .conftest import ROOT, Run, eventually

Start = Callable[..., Run]

SLEEPER = "sh -c 'echo $$$$ >> {name}.pids; echo {name} is up; exec sleep 1000'"


def sleeper(name: str) -> str:
    """Return a line of a Procfile: a service that writes down its pid and does nothing."""
    return f"{name}: {SLEEPER.format(name=name)}\n"


def listener(tmp_path: Path) -> str:
    """Return a line of a Procfile: a gateway that is ready at once."""
    (tmp_path / "web").mkdir(exist_ok=True)
    (tmp_path / "web" / "readyz").touch()
    return "gateway: python -m http.server $GATEWAY_PORT --bind 127.0.0.1 --directory web\n"


def order(text: str, *parts: str) -> None:
    """Check that the parts stand in the text one after the other."""
    places = [text.find(part) for part in parts]
    assert -1 not in places, (parts, places, text)
    assert places == sorted(places), text


def test_steps_come_first_and_services_follow_in_order_until_ready(run: Start, tmp_path: Path) -> None:
    here = run("prepare-first: echo one\nprepare-second: echo two\n" + sleeper("redis") + listener(tmp_path))
    eventually(lambda: "Ctrl-C" in here.text(), "ready")
    order(
        here.text(), "first    | one", "second   | two", "redis    | redis is up", "Familiar is ready at http://127.0"
    )
    here.interrupt()
    assert here.wait() == 0
    assert not is_running(here.pids("redis.pids")[0])


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_services_are_stopped_in_reverse_order(run: Start, number: signal.Signals) -> None:
    goodbye = 'trap "sleep 0.2; echo {0} says goodbye; exit" TERM'
    slow = f"{{0}}: sh -c '{goodbye}; echo {{0}} is up; while :; do sleep 0.05; done'\n"
    here = run("".join(slow.format(name) for name in ("first", "second", "third")))
    eventually(lambda: here.text().count("is up") == 3, "all are up")
    here.interrupt(number)
    assert here.wait() == 0
    order(here.text(), "stopping", "third says goodbye", "second says goodbye", "first says goodbye", "stopped")


def test_a_crashed_service_is_started_again_and_the_others_are_left_alone(run: Start) -> None:
    here = run(sleeper("steady") + sleeper("crashing"))
    eventually(lambda: here.pids("crashing.pids") and here.pids("steady.pids"), "both are up")
    os.kill(here.pids("crashing.pids")[0], signal.SIGKILL)
    eventually(lambda: len(here.pids("crashing.pids")) == 2, "started again")
    assert "crashing was ended by SIGKILL; starting it again in 0.5 s" in here.text()
    assert len(here.pids("steady.pids")) == 1
    assert is_running(here.pids("steady.pids")[0])


def test_what_a_crashed_service_leaves_behind_is_ended_before_it_starts_again(run: Start) -> None:
    orphan = "sh -mc 'sleep 1000 & echo $$! >> orphans.pids; echo $$$$ >> leaders.pids; wait'"
    here = run(f"family: {orphan}\n")
    eventually(lambda: here.pids("leaders.pids"), "up")
    os.kill(here.pids("leaders.pids")[0], signal.SIGKILL)
    eventually(lambda: len(here.pids("leaders.pids")) == 2, "started again")
    assert not is_running(here.pids("orphans.pids")[0])


def test_a_failing_step_ends_the_run_and_nothing_is_started(run: Start) -> None:
    here = run("prepare-it: sh -c 'echo no disk; exit 4'\n" + sleeper("redis"))
    assert here.wait() == 1
    order(here.text(), "it       | no disk", "it ended with status 4; its lines above say why")
    assert not here.pids("redis.pids")


def test_a_program_that_is_not_there_is_named(run: Start) -> None:
    here = run("redis: no-such-program\n")
    assert here.wait() == 1
    assert "redis: cannot start 'no-such-program'" in here.text()


def test_a_service_that_ignores_the_request_is_killed_at_a_second_ctrl_c(run: Start) -> None:
    here = run("deaf: sh -c 'trap \"\" TERM; echo $$$$ > deaf.pids; echo up; while :; do sleep 0.05; done'\n")
    eventually(lambda: "| up" in here.text(), "up")
    here.interrupt()
    eventually(lambda: "stopping" in here.text(), "stopping")
    here.interrupt()
    assert here.wait() == 0
    assert "deaf killed" in here.text()
    assert not is_running(here.pids("deaf.pids")[0])


def test_nothing_outlives_a_killed_supervisor_and_the_folder_is_free_again(run: Start) -> None:
    # With job control each child leads a process group of its own, as the jobs of an RQ worker do.
    family = "sh -mc 'trap \"\" TERM; sleep 1000 & echo $$! >> child.pids; echo $$$$ >> top.pids; wait'"
    here = run(sleeper("plain") + f"stubborn: {family}\n")
    eventually(lambda: here.pids("plain.pids") and here.pids("top.pids"), "both are up")
    pids = here.pids("plain.pids") + here.pids("top.pids") + here.pids("child.pids")
    here.interrupt(signal.SIGKILL)
    here.wait()
    again = run(sleeper("plain"))
    eventually(lambda: len(again.pids("plain.pids")) == 2, "a new run takes the folder over")
    assert not [pid for pid in pids if is_running(pid)]


def test_a_second_run_on_the_same_folder_is_refused(run: Start) -> None:
    first = run(sleeper("redis"))
    eventually(lambda: first.pids("redis.pids"), "up")
    second = Run(first.folder, sleeper("redis"))
    try:
        assert second.wait() == 3
        assert f"is in use by process {first.popen.pid}: Familiar already runs there" in second.text()
    finally:
        second.close()
    assert is_running(first.pids("redis.pids")[0])


def test_a_taken_port_is_named_with_a_way_out(run: Start) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        here = run(sleeper("redis"), GATEWAY_PORT=str(port))
        assert here.wait() == 2
    assert f"port {port} of 127.0.0.1 is taken by another program" in here.text()
    assert "GATEWAY_PORT=" in here.text()


def test_an_unusable_setting_stops_the_run_with_its_name(run: Start) -> None:
    here = run(sleeper("redis"), GATEWAY_PORT="many")
    assert here.wait() == 2
    assert "GATEWAY_PORT='many'" in here.text()


def test_a_part_that_runs_elsewhere_is_not_started(run: Start) -> None:
    here = run(sleeper("redis") + sleeper("other"), REDIS_URL="redis://elsewhere:6379/0")
    eventually(lambda: here.pids("other.pids"), "up")
    assert "redis is not started: REDIS_URL names one that runs elsewhere" in here.text()
    assert not here.pids("redis.pids")


def test_a_dotenv_file_is_read_and_the_environment_wins(run: Start, tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("# settings\nFAR_TARGET=0.01\nLOG_LEVEL='DEBUG'\n")
    here = run("show: sh -c 'echo $FAR_TARGET $LOG_LEVEL; exec sleep 1000'\n", LOG_LEVEL="ERROR")
    eventually(lambda: "| 0.01 ERROR" in here.text(), "the settings reach the services")


def test_the_queue_is_reached_by_a_socket_of_ours_and_by_no_port(run: Start, tmp_path: Path) -> None:
    line = next(line for line in (ROOT / "deploy" / "Procfile").read_text().splitlines() if line.startswith("redis:"))
    (tmp_path / "redis.conf").write_text((ROOT / "deploy" / "redis.conf").read_text())
    (tmp_path / "state").mkdir(mode=0o755)
    here = run(f"{line}\nurl: sh -c 'echo $REDIS_URL; exec sleep 1000'\n")
    eventually(lambda: "unix://" in here.text(), "the services know where it is")
    url = here.text().partition("unix://")[2].split()[0]
    connection = Redis.from_url(f"unix://{url}")

    def answers() -> bool:
        try:
            return bool(connection.ping())
        except RedisError:
            return False

    eventually(answers, "Redis answers")
    assert connection.config_get("port") == {"port": "0"}
    place = Path(connection.connection_pool.connection_kwargs["path"])
    assert stat.S_IMODE(place.stat().st_mode) == 0o700
    assert any(stat.S_IMODE(folder.stat().st_mode) == 0o700 for folder in place.parents)
    server = connection.info("server")["process_id"]
    assert [each for each in psutil.Process(server).net_connections("inet") if each.status == "LISTEN"] == []
    connection.close()


def test_a_start_on_a_damaged_database_ends_with_what_is_wrong_and_what_to_do(run: Start, tmp_path: Path) -> None:
    (tmp_path / "state").mkdir()
    (tmp_path / "state" / "familiar.db").write_bytes(os.urandom(20_000))
    here = run("prepare-database: python -m familiar.records.migrate\n" + sleeper("redis"))
    assert here.wait() == 1
    assert "migrate: the database is damaged" in here.text() and "restore a backup" in here.text()
    assert str(tmp_path / "state" / "familiar.db") in here.text() and "Traceback" not in here.text()
    assert not here.pids("redis.pids")


def test_whatever_a_run_writes_is_for_nobody_else(run: Start, tmp_path: Path) -> None:
    (tmp_path / "state").mkdir(mode=0o777)
    run("prepare-database: python -m familiar.records.migrate\nshow: sh -c 'umask > mask; exec sleep 1000'\n")
    eventually(lambda: (tmp_path / "mask").exists() and (tmp_path / "mask").read_text(), "it runs")
    assert (tmp_path / "mask").read_text().strip().endswith("077")
    state = tmp_path / "state"
    assert stat.S_IMODE(state.stat().st_mode) == 0o700
    files = [path for path in state.rglob("*") if path.is_file()]
    assert state / "familiar.db" in files
    assert {stat.S_IMODE(path.stat().st_mode) for path in files} == {0o600}
