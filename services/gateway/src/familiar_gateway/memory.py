"""Keeping memory flat: what a large picture took is given back to the system when it is done with."""

import ctypes
import logging

log = logging.getLogger(__name__)

# From glibc's malloc.h.
_M_MMAP_THRESHOLD = -3
_M_ARENA_MAX = -8
_LARGE_BYTES = 256 * 1024
_ARENAS = 2


def give_back_large_blocks() -> None:
    """Have glibc map each large block by itself, so that freeing it returns it at once.

    By default glibc learns from the first large block it frees to take all later ones from its heaps, one for each
    thread; between smaller blocks they can then never be returned. Elsewhere than with glibc nothing is changed.
    """
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (OSError, AttributeError):
        return
    if not (mallopt(_M_MMAP_THRESHOLD, _LARGE_BYTES) and mallopt(_M_ARENA_MAX, _ARENAS)):
        log.warning("the allocator took no advice; memory may grow with the size of pictures")
