"""Requests that must be refused: method, path, headers, body, and which status and code may come back.

Free of any framework, so that one list is fired at the application in the process and at a server over HTTP. Paths may
hold {enrollment} (an open one), {closed} (a finished one), {person} and {sample} of somebody enrolled; none of these
requests changes anything.
"""

from bad_input.addresses import bad_addresses
from bad_input.bodies import bad_bodies
from bad_input.request import Case


def all_cases() -> list[Case]:
    """Return all cases; their names are unique."""
    made = [*bad_bodies(), *bad_addresses()]
    assert len({case.name for case in made}) == len(made)
    return made
