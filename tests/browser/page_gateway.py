"""The gateway that serves the page to a browser: a process of its own, over fakes."""

import json
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import apart

_SCRIPT = Path(__file__).with_name("served.py")

MANY = [f"{given} {family}" for given in ("Ada", "Émile", "Grace", "Ida", "Sofia") for family in
        ("Ball", "Curie", "Noether", "Payne", "Rubin", "Yalow")]  # fmt: skip
"""People of whom nothing is known but a name."""
FAIL = "fail"
"""The file in whose presence the next training fails."""
PASSWORD = "correct horse"
"""That of somebody called ada, who may see people."""


@dataclass
class Gateway:
    """The gateway that serves the page, over fakes; ``names`` has the id of a ``person``, and a ``key`` to all."""

    port: int
    names: dict[str, str]
    folder: Path

    @property
    def root(self) -> str:
        """What all addresses begin with."""
        return f"http://127.0.0.1:{self.port}/"

    @property
    def address(self) -> str:
        """Where the page is."""
        return f"{self.root}docs"

    def ask(self, path: str, method: str = "GET", *, key: str = "", body: Any = None) -> Any:
        """Return what the API says, without a browser, to who has that key, or one to everything."""
        headers = {"Authorization": f"Bearer {key or self.names['key']}", "Content-Type": "application/json"}
        data = None if body is None else json.dumps(body).encode()
        asked = urllib.request.Request(self.root + path, data, headers, method=method)
        with urllib.request.urlopen(asked, timeout=10) as answer:
            return json.loads(answer.read() or b"null")

    def give_key(self, name: str, *scopes: str) -> str:
        """Make a key and return its secret."""
        return str(self.ask("v1/keys", "POST", body={"name": name, "scopes": scopes})["secret"])

    def let_the_next_training_fail(self) -> None:
        """Have the trainer fail once."""
        (self.folder / FAIL).touch()

    def revoke(self, name: str) -> None:
        """Revoke the key in force of that name."""
        keys = self.ask("v1/keys")["keys"]
        (key,) = [each for each in keys if (each["name"], each["status"]) == (name, "valid")]
        self.ask(f"v1/keys/{key['id']}", "DELETE")


@contextmanager
def serving(folder: Path, access: str = "", sightings: str = "off") -> Iterator[Gateway]:
    """Serve the page from a world in ``folder``, which asks for what ``access`` says; it is ended with the block."""
    with apart.served(_SCRIPT, folder, FAMILIAR_TEST_ACCESS=access, FAMILIAR_TEST_SIGHTINGS=sightings) as gateway:
        yield Gateway(gateway.port, gateway.names, folder)
