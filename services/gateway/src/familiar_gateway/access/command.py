"""``familiar-keys``: making, listing and revoking keys at the machine itself, for which no key is needed."""

import argparse
import getpass
import io
import sys
import time

from sqlalchemy.orm import Session

from familiar.errors import FamiliarError, InvalidInput
from familiar.records import Action, Database, audit, clean_name
from familiar.records import key as rules
from familiar.records import keys as all_keys
from familiar.scope import Scope
from familiar.settings import Settings
from familiar_gateway.access import passwords, representations
from familiar_gateway.access.first_key import Machine
from familiar_gateway.access.keys import read_scopes, read_time

_DAY_S = 86_400.0
_MOST_DAYS = 100_000
_MOST_LISTED = 10_000


def main(arguments: list[str] | None = None) -> int:
    """Do what the command line says; the exit status tells whether that could be done."""
    options = _parser().parse_args(arguments)
    try:
        database = Database(Settings.from_env().database_url)
        try:
            options.command(database, options)
        finally:
            database.close()
    except FamiliarError as exc:
        print(f"familiar-keys: {exc}", file=sys.stderr)
        return 1
    return 0


def _make(database: Database, options: argparse.Namespace) -> None:
    scopes = read_scopes(options.scopes.split(","))
    name = clean_name(options.name)
    camera = None if options.camera is None else clean_name(options.camera)
    expires_at = _end_of(options)
    secret = None if options.password else rules.new_secret()
    password = passwords.hashed(_asked_password()) if options.password else None

    def add(session: Session) -> None:
        digest = None if secret is None else rules.digest(secret)
        row = all_keys.add(
            session, name, scopes, digest=digest, password=password, camera=camera, expires_at=expires_at
        )
        audit.note(session, Machine(), Action.KEY_MADE, row.id)

    database.retry(add)
    if secret is None:
        print(f"{name} can sign in on the page with this password", file=sys.stderr)
    else:
        print("This is the only time that the key is shown:", file=sys.stderr)
        print(secret)


def _list(database: Database, _options: argparse.Namespace) -> None:
    with database.read() as session:
        shown = [representations.key(each) for each in all_keys.newest(session, _MOST_LISTED)]
    lines = [("NAME", "STATUS", "KIND", "SCOPES", "CAMERA", "MADE", "LAST USED", "EXPIRES", "ID")]
    for each in shown:
        days = [(each[name] or "-")[:10] for name in ("created_at", "used_at", "expires_at")]
        its_scopes = ",".join(each["scopes"])
        lines.append((each["name"], each["status"], each["kind"], its_scopes, each["camera"] or "-", *days, each["id"]))
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="replace")  # names have letters that some terminals cannot show
    widths = [max(len(line[place]) for line in lines) for place in range(len(lines[0]))]
    for line in lines:
        print("  ".join(word.ljust(width) for word, width in zip(line, widths, strict=True)).rstrip())


def _revoke(database: Database, options: argparse.Namespace) -> None:
    def end(session: Session) -> None:
        row = all_keys.by_name(session, options.key) or all_keys.get(session, options.key)
        if all_keys.revoke(session, row):
            audit.note(session, Machine(), Action.KEY_REVOKED, row.id)

    database.retry(end)


def _end_of(options: argparse.Namespace) -> float | None:
    if options.days is not None:
        days = float(options.days)
        if not 0 < days < _MOST_DAYS:
            raise InvalidInput(f"--days takes a number above 0 and below {_MOST_DAYS}")
        return time.time() + days * _DAY_S
    return None if options.expires is None else read_time(options.expires)


def _asked_password() -> str:
    """Return the password that is typed twice, or the line that another program hands in."""
    if not sys.stdin.isatty():
        return sys.stdin.readline().rstrip("\n")
    password = getpass.getpass(f"Password ({passwords.LEAST_LENGTH} characters or more): ")
    if getpass.getpass("Once more: ") != password:
        raise InvalidInput("these are two different passwords")
    return password


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="familiar-keys",
        description="Make, list and revoke the keys of Familiar, in the database that DATABASE_URL names.",
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    making = commands.add_parser("make", help="make a key, and show it once")
    making.add_argument("name", metavar="NAME", help="whose key it is, or what for")
    making.add_argument("--scopes", required=True, metavar="LIST", help=f"with commas between: {','.join(Scope)}")
    making.add_argument("--camera", metavar="NAME", help="the one camera that the key is for")
    ending = making.add_mutually_exclusive_group()
    ending.add_argument("--days", type=float, metavar="N", help="how long it is good; for ever unless given")
    ending.add_argument("--expires", metavar="TIME", help="until when it is good, as 2030-12-31 or 2030-12-31T18:00")
    making.add_argument(
        "--password", action="store_true", help="ask for a password to sign in with on the page, instead of a key"
    )
    making.set_defaults(command=_make)

    listing = commands.add_parser("list", help="list all keys")
    listing.set_defaults(command=_list)

    revoking = commands.add_parser("revoke", help="revoke a key, and end its sessions")
    revoking.add_argument("key", metavar="NAME", help="name or id of the key")
    revoking.set_defaults(command=_revoke)
    return parser


if __name__ == "__main__":
    sys.exit(main())
