"""Access: who asks, whether they may, how often, and what is noted of it.

``guard`` decides of each request, in one place, before any route is called; it asks ``keyring`` who it is from and
``rates`` whether it is one too many. Sessions, keys and the audit have a module of routes each.
"""

from familiar_gateway.access import audit, keys, sessions
from familiar_gateway.access.first_key import announce_first_key
from familiar_gateway.access.guard import Guard
from familiar_gateway.access.keyring import Keyring
from familiar_gateway.access.mode import Mode, mode_of
from familiar_gateway.access.rates import Rates

__all__ = ["Guard", "Keyring", "Mode", "Rates", "announce_first_key", "audit", "keys", "mode_of", "sessions"]
