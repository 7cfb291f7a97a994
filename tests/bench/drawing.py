"""Drawing: where the time of a recognition goes, as one bar for each system that was measured."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from architecture.picture import INK, SOFT, Picture
from bench.figures import STAGES

_WIDTH, _MARGIN, _LABEL, _BAR, _GAP = 960.0, 20.0, 110.0, 46.0, 26.0
_LETTER = 6.4
_FILLS = {
    "decode": "#a7f3d0",
    "detect": "#5eead4",
    "embed": "#93c5fd",
    "identify": "#c4b5fd",
    "decide": "#fcd34d",
    "the way there and back": "#e5e7eb",
}
_MEANINGS = {
    "decode": "decode",
    "detect": "find faces, align, judge",
    "embed": "embed",
    "identify": "identify",
    "decide": "decide",
    "the way there and back": "HTTP",
}


@dataclass(frozen=True)
class Bar:
    """One system: the medians of its stages, and of the whole over HTTP, in milliseconds."""

    name: str
    stages_ms: Mapping[str, float]
    whole_ms: float

    def parts(self) -> dict[str, float]:
        """Return what the whole is made of, in order; what no stage accounts for comes last."""
        parts = {stage: self.stages_ms[stage] for stage in STAGES if stage in self.stages_ms}
        return {**parts, "the way there and back": max(self.whole_ms - sum(parts.values()), 0.0)}


def recognition_picture(bars: Sequence[Bar]) -> str:
    """Draw the bars to one scale, with a legend that tells the milliseconds of each part."""
    legend = 24.0 * len(_FILLS)
    height = 2 * _MARGIN + 30 + (_BAR + _GAP) * len(bars) + legend + 30
    picture = Picture(_WIDTH, height, "Where the time of one recognition goes")
    picture.text(_MARGIN, _MARGIN + 14, "Where the time of one recognition goes", 15, bold=True)
    scale = (_WIDTH - 2 * _MARGIN - _LABEL - 80) / max(bar.whole_ms for bar in bars)
    y = _MARGIN + 36
    for bar in bars:
        x = _MARGIN + _LABEL
        picture.text(_MARGIN, y + _BAR / 2 + 5, bar.name, 13, bold=True)
        for part, took_ms in bar.parts().items():
            picture.box(x, y, took_ms * scale, _BAR, _FILLS[part], "#ffffff")
            words = f"{took_ms:.1f}"
            if took_ms * scale > len(words) * _LETTER + 6:
                picture.text(x + 5, y + _BAR / 2 + 4, words, 11)
            x += took_ms * scale
        picture.text(x + 8, y + _BAR / 2 + 5, f"{bar.whole_ms:.1f} ms", 13, bold=True)
        y += _BAR + _GAP
    y += 6
    columns = [_MARGIN + _LABEL + 250 + 100 * place for place in range(len(bars))]
    for bar, column in zip(bars, columns, strict=True):
        picture.text(column, y, bar.name, 12, SOFT)
    for part, fill in _FILLS.items():
        y += 24
        picture.box(_MARGIN + _LABEL, y - 12, 16, 14, fill, fill)
        picture.text(_MARGIN + _LABEL + 26, y, _MEANINGS[part], 12, INK)
        for bar, column in zip(bars, columns, strict=True):
            picture.text(column, y, f"{bar.parts().get(part, 0.0):.1f} ms", 12, INK)
    return picture.render()
