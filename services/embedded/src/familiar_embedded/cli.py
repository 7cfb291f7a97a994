"""The command line of the embedded run."""

import argparse
import os
import sys
import time
from pathlib import Path

from familiar.errors import FamiliarError
from familiar_embedded import procfile
from familiar_embedded.console import Console
from familiar_embedded.environment import EXTERNAL, Plan, plan, read_dotenv
from familiar_embedded.errors import EmbeddedError
from familiar_embedded.process import Program
from familiar_embedded.ready import asks_for_key
from familiar_embedded.state import StateFolder
from familiar_embedded.supervisor import Supervisor

_READY_TIMEOUT_S = 180

_WELCOME = """
Familiar is ready at {url} (after {{took_s:.0f}} s); what it learns is kept in {state}
  look around       {url}/docs
{trust}{key}  ask who this is   curl -s {ca}{shown}-F image=@photo.jpg {url}/v1/recognize
  a demonstration   make demo                      (in another terminal)
  learn my face     {camera} enroll --name 'My Name'
  who is there?     {camera} recognize
  stop              Ctrl-C
"""


_TRUST = """\
  other devices     {trust}: what each has to trust first
"""

_KEY = """\
  a key is needed   export FAMILIAR_KEY=fam_...    (the first one was shown once, at the first start)
  make another key  {keys} make NAME --scopes recognize,enroll,people
"""


def main(arguments: list[str] | None = None) -> int:
    """Run Familiar until Ctrl-C; the exit status is 0 after a clean stop."""
    options = _parser().parse_args(arguments)
    try:
        return _run(options.procfile.absolute())
    except (EmbeddedError, FamiliarError) as exc:
        print(f"familiar: {exc}", file=sys.stderr)
        return exc.exit_status if isinstance(exc, EmbeddedError) else 2
    except OSError as exc:  # no room on the disk, say
        print(f"familiar: {f'{exc.filename}: ' if exc.filename else ''}{exc.strerror}", file=sys.stderr)
        return 2


def _run(path: Path) -> int:
    started_at = time.monotonic()
    os.umask(0o077)  # whatever is written from here on is for nobody else
    entries = procfile.read(path)
    env = read_dotenv(Path(".env")) | dict(os.environ)
    state = StateFolder(Path(env.get("FAMILIAR_STATE") or "state"))
    try:
        prepared = plan(env, state, path.parent)
        state.announce(prepared.url, prepared.ca)
        entries = tuple(entry for entry in entries if entry.name not in prepared.left_out)
        programs = [Program(entry.name, entry.argv(prepared.env), prepared.env) for entry in entries]
        console = Console(sys.stdout, [entry.name for entry in entries])
        for name in sorted(prepared.external):
            console.say(f"{name} is not started: {EXTERNAL[name]} names one that runs elsewhere")

        def on_ready() -> None:
            took_s = time.monotonic() - started_at
            console.say(_welcome(prepared, state, asks_for_key(prepared.url, prepared.ca)).format(took_s=took_s))

        with Supervisor(console, inherited_fds=[state.lock_fd]) as supervisor:
            for entry, program in zip(entries, programs, strict=True):
                if entry.is_step:
                    supervisor.prepare(program)
            services = [program for entry, program in zip(entries, programs, strict=True) if not entry.is_step]
            return supervisor.run(services, _watcher(prepared), on_ready)
    finally:
        state.close()


def _welcome(prepared: Plan, state: StateFolder, needs_key: bool) -> str:
    """Return what to say when all is ready, but for the time that it took."""
    return _WELCOME.format(
        url=prepared.url,
        state=state.path,
        camera=_camera(prepared),
        trust=_TRUST.format(trust=prepared.trust) if prepared.trust else "",
        ca=f"--cacert {_shown(prepared.ca)} " if prepared.ca else "",
        key=_KEY.format(keys=_keys(prepared)) if needs_key else "",
        shown='-H "Authorization: Bearer $FAMILIAR_KEY" ' if needs_key else "",
    )


def _watcher(prepared: Plan) -> Program:
    command = ["-m", "familiar_embedded.ready", "--url", prepared.url, "--timeout", str(_READY_TIMEOUT_S)]
    if prepared.ca:
        command += ["--ca", str(prepared.ca)]
    return Program("familiar", [sys.executable, *command], prepared.env)


def _camera(prepared: Plan) -> str:
    """Return how to call the camera client from where the user is."""
    shown = _shown(Path(sys.executable).parent / "familiar-camera")
    elsewhere = "" if prepared.url == "http://127.0.0.1:8080" else f"FAMILIAR_SERVER={prepared.url} "
    believed = f"FAMILIAR_CA={_shown(prepared.ca)} " if prepared.ca else ""
    return f"{elsewhere}{believed}{shown}"


def _keys(prepared: Plan) -> str:
    """Return how to call the command that makes keys from where the user is."""
    url = prepared.env["DATABASE_URL"]
    # Whoever has named another kind of database knows how, and the password in it is not for a terminal.
    known = not url.startswith("sqlite:") or url == f"sqlite:///{Path('state').absolute() / 'familiar.db'}"
    elsewhere = "" if known else f"DATABASE_URL='{url}' "
    return f"{elsewhere}{_shown(Path(sys.executable).parent / 'familiar-keys')}"


def _shown(path: Path) -> Path:
    """Return a path as whoever stands in this folder would write it."""
    return path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="familiar-embedded",
        description="Run Familiar on this machine: Redis, model server, trainer and gateway under one supervisor.",
        epilog="FAMILIAR_STATE chooses the state folder (default: ./state), GATEWAY_HOST and GATEWAY_PORT where the "
        "gateway listens, HTTPS=1 has it speak https; .env.example lists the other settings. A file .env is read if "
        "there is one.",
    )
    parser.add_argument(
        "--procfile", type=Path, default=Path("deploy/Procfile"), help="the programs to run (default: %(default)s)"
    )
    return parser
