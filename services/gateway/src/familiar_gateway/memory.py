"""Keeping memory flat, and quick: what frames took is used again, and what large pictures took is given back."""

import ctypes
import logging

log = logging.getLogger(__name__)

# From glibc's malloc.h.
_M_TRIM_THRESHOLD = -1
_M_MMAP_THRESHOLD = -3
_M_ARENA_MAX = -8
_MB = 1024 * 1024
# A webcam's frame up to Full HD is smaller, as is all that is made of it: such blocks come again with the next request,
# and pages that are there already need not be mapped and cleared anew.
_LARGE_BYTES = 8 * _MB
_KEPT_BYTES = 8 * _MB
# One heap for all threads: what one of them leaves behind is there for the others.
_ARENAS = 1


def advise_allocator() -> None:
    """Have glibc map each large block by itself, so that freeing it returns it at once, and keep the rest at hand.

    By default glibc learns from the first large block it frees to take all later ones from its heaps, one for each
    thread; between smaller blocks they can then never be returned. Elsewhere than with glibc nothing is changed.
    ``docs/performance.md`` has what the numbers were chosen by.
    """
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (OSError, AttributeError):
        return
    advice = {_M_MMAP_THRESHOLD: _LARGE_BYTES, _M_TRIM_THRESHOLD: _KEPT_BYTES, _M_ARENA_MAX: _ARENAS}
    taken = [mallopt(name, value) for name, value in advice.items()]
    if not all(taken):
        log.warning("the allocator took no advice; memory may grow with the size of pictures")
