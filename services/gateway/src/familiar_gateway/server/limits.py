"""How long a client may take, and how much of everything there may be."""

from dataclasses import dataclass

from familiar_gateway.web import RETRY_AFTER_S


@dataclass(frozen=True)
class Limits:
    """The patience of a server.

    Attributes:
        head_s: from the first byte of a request, or the opening of its connection, until its head has come.
        head_bytes: the longest head.
        idle_s: between two requests of a connection.
        body_s: until the body has come, beside the time that its bytes take at ``slowest_bytes_per_s``.
        write_s: until a client has taken what it was sent.
        linger_s: for what a client still sends after it was refused; hanging up at once might lose it the answer.
        rest_s: a connection that was told to come back later is not read for so long, or twice that time after each
            further time, but for ``longest_rest_s`` at most: whoever does not wait takes the time of those who are
            being answered.
        stop_s: for answers under way when the server is told to stop.
        connections: most at once; one more ends the one that has been silent the longest.
    """

    head_s: float = 10.0
    head_bytes: int = 16_384
    idle_s: int = 15
    body_s: float = 30.0
    slowest_bytes_per_s: int = 20_000
    write_s: float = 30.0
    linger_s: float = 2.0
    rest_s: float = 0.25
    longest_rest_s: float = float(RETRY_AFTER_S)
    stop_s: int = 20
    connections: int = 512
