"""A picture as text (SVG), so that it can be compared and read in a diff."""

from dataclasses import dataclass, field
from html import escape

INK, SOFT, PAPER, ACCENT = "#1f2937", "#6b7280", "#ffffff", "#0f766e"
_FONT = "font-family='system-ui, sans-serif'"


@dataclass
class Picture:
    """A sheet of ``width`` x ``height`` units that shapes are put on, the later ones over the earlier ones."""

    width: float
    height: float
    title: str
    _shapes: list[str] = field(default_factory=list)

    def box(self, x: float, y: float, width: float, height: float, fill: str, edge: str = SOFT) -> None:
        """Put a rectangle on the sheet."""
        self._shapes.append(
            f"<rect x='{x:g}' y='{y:g}' width='{width:g}' height='{height:g}' rx='6' fill='{fill}' stroke='{edge}'/>"
        )

    def text(self, x: float, y: float, words: str, size: float = 12, colour: str = INK, *, bold: bool = False) -> None:
        """Write ``words`` from ``x`` on, standing on ``y``."""
        weight = " font-weight='600'" if bold else ""
        self._shapes.append(
            f"<text x='{x:g}' y='{y:g}' font-size='{size:g}' fill='{colour}'{weight}>{escape(words)}</text>"
        )

    def line(self, points: list[tuple[float, float]], colour: str = ACCENT, width: float = 1.4) -> None:
        """Draw a line through ``points``."""
        through = " ".join(f"{x:g},{y:g}" for x, y in points)
        self._shapes.append(f"<polyline points='{through}' fill='none' stroke='{colour}' stroke-width='{width:g}'/>")

    def arrow(self, start: tuple[float, float], end: tuple[float, float]) -> None:
        """Draw a curved arrow that leaves downwards and arrives from above."""
        (x, y), (to_x, to_y) = start, end
        middle = (y + to_y) / 2
        self._shapes.append(
            f"<path d='M{x:g},{y:g} C{x:g},{middle:g} {to_x:g},{middle:g} {to_x:g},{to_y:g}' fill='none' "
            f"stroke='{SOFT}' stroke-width='1.1' marker-end='url(#tip)'/>"
        )

    def dot(self, x: float, y: float, colour: str = ACCENT) -> None:
        """Put a dot on the sheet."""
        self._shapes.append(f"<circle cx='{x:g}' cy='{y:g}' r='2.6' fill='{colour}'/>")

    def render(self) -> str:
        """Return the picture."""
        head = (
            f"<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 {self.width:g} {self.height:g}' {_FONT} role='img'>"
            f"\n<title>{escape(self.title)}</title>\n<defs><marker id='tip' viewBox='0 0 8 8' refX='7' refY='4' "
            f"markerWidth='7' markerHeight='7' orient='auto'><path d='M0,0 L8,4 L0,8 z' fill='{SOFT}'/></marker></defs>"
            f"\n<rect width='{self.width:g}' height='{self.height:g}' fill='{PAPER}'/>\n"
        )
        return head + "\n".join(self._shapes) + "\n</svg>\n"
