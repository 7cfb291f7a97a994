"""What is told beside a message, in gRPC's metadata."""

from typing import Final

SOFTWARE: Final = "software"
"""What a server is made of, once for each name: ``name version``. TensorFlow Serving sends none."""
