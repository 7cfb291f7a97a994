"""Conversion: from the compiled libfacedetection to the file that the product runs."""

from familiar_trainer.detector import elf, flatbuffer, layers, weights


def convert(library: bytes) -> bytes:
    """Return the LiteRT file of the network in ``library``, the bytes of a ``libfacedetection.so``.

    Nothing of the library is run, so that it may be one for another machine. The same library gives the same bytes.

    Raises:
        ValueError: it is no ELF file, is damaged, or holds another network.
    """
    return flatbuffer.write(layers.network(weights.read(elf.data_symbols(library))))
