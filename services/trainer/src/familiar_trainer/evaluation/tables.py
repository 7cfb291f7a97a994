"""Results as Markdown tables."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from familiar.seeing import QualityLimits
from familiar_trainer.evaluation.bursts import Gain
from familiar_trainer.evaluation.identification import Identification
from familiar_trainer.evaluation.measures import Spread, Verification
from familiar_trainer.evaluation.promise import Kept
from familiar_trainer.evaluation.robustness import Gate, Trial
from familiar_trainer.evaluation.rotation import Group
from familiar_trainer.evaluation.rotation import Kept as Rotated
from familiar_trainer.evaluation.survey import Losses


def table(heading: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a Markdown table; the first column is text, the others numbers."""
    lines = [heading, ["---", *["---:"] * (len(heading) - 1)], *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def identification(results: Sequence[Identification]) -> str:
    """Return closed-set and open-set identification by pipeline and head."""
    return table(
        ("pipeline", "head", "rank-1 %", "macro %", "AUROC", "DIR@FAR1%", "DIR@FAR0.1%"),
        [
            (
                result.pipeline,
                result.head,
                percent(result.rank_1),
                percent(result.macro),
                f"{result.auroc.mean:.4f}",
                percent(result.dir_at_far_1),
                percent(result.dir_at_far_01),
            )
            for result in results
        ],
    )


def calibrated(results: Sequence[Identification]) -> str:
    """Return what the thresholds that the product calibrates by itself do."""
    return table(
        ("pipeline", "target", "FPIR %", "FNIR %", "named wrongly %"),
        [
            (
                result.pipeline,
                f"1 in {1 / row.target:,.0f}",
                percent(row.fpir, 3),
                percent(row.fnir),
                percent(row.wrong, 3),
            )
            for result in results
            for row in result.calibrated
        ],
    )


def promise(rows: Sequence[Kept]) -> str:
    """Return the promised and the measured share of strangers that are named."""
    return table(
        ("people", "target %", "expected %", "FPIR % (10th to 90th percentile)", "FPIR/target", "FNIR %", "probes"),
        [
            (
                str(row.people),
                f"{100 * row.target:g}",
                f"{100 * row.expected:.3f}",
                f"{100 * row.fpir:.3f} ({100 * row.low:.2f} to {100 * row.high:.2f})",
                f"{row.ratio:.2f}",
                f"{100 * row.fnir:.1f}",
                f"{row.strangers:,} x {row.galleries}",
            )
            for row in rows
        ],
    )


def rotation(rows: Sequence[Rotated]) -> str:
    """Return what was kept to people nobody fitted anything to; strangers in multiples of what was promised."""
    return table(
        (
            "faces",
            "people",
            "target %",
            "strangers named, mean",
            "worst gallery (most)",
            "kinds: mean, 90th, worst",
            "nearest tenth (95th)",
            "taken for one",
            "FNIR % (95th)",
            "DIR %",
            "galleries",
        ),
        [
            (
                f"{row.camera}, one of a kind hardly seen" if row.thinned else row.camera,
                str(row.people),
                f"{100 * row.target:g}",
                f"{row.mean:.2f}",
                f"{row.worst:.2f} ({row.most:.1f})",
                f"{row.kind:.2f}, {row.kind_90:.1f}, {row.kind_most:.1f}",
                f"{row.nearest:.2f} ({row.nearest_95:.1f})",
                f"{row.person:.1f}",
                f"{100 * row.fnir:.2f} ({100 * row.fnir_95:.1f})",
                f"{100 * row.dir:.2f}",
                str(row.galleries),
            )
            for row in rows
        ],
    )


def groups(rows: Sequence[Group]) -> str:
    """Return faults by group."""
    return table(
        ("group", "", "strangers named / promise of 1 in 1,000", "FNIR %", "enrolments"),
        [
            (
                row.group,
                row.value,
                f"{row.named:.2f}",
                f"{100 * row.fnir:.1f}" if row.people else "-",
                f"{row.people:,}",
            )
            for row in rows
        ],
    )


def verification(rows: Sequence[tuple[str, Verification]]) -> str:
    """Return the comparison of pairs."""
    return table(
        ("pipeline", "pairs", "without a face", "accuracy %", "AUC", "TAR@FAR1%", "TAR@FAR0.1%"),
        [
            (
                name,
                f"{row.pairs:,}",
                str(row.missing),
                f"{100 * row.accuracy:.2f} ±{100 * row.accuracy_sd:.2f}",
                f"{row.auc:.4f}",
                f"{100 * row.tar_at_far_1:.1f}",
                f"{100 * row.tar_at_far_01:.1f}",
            )
            for name, row in rows
        ],
    )


def losses(rows: Sequence[Losses]) -> str:
    """Return what detection and the quality gate lose of unchanged pictures."""
    return table(
        ("pipeline", "pictures", "no face %", "several faces %", "refused by the gate %", "reasons"),
        [
            (
                row.pipeline,
                f"{row.pictures:,}",
                f"{100 * row.no_face:.2f}",
                f"{100 * row.several:.1f}",
                "-" if row.reasons is None else f"{100 * row.refused:.2f}",
                "-" if row.reasons is None else ", ".join(f"{name} {count}" for name, count in row.reasons.items()),
            )
            for row in rows
        ],
    )


def robustness(trials: Sequence[Trial], limits: QualityLimits) -> str:
    """Return what each variation does."""
    rows = []
    for trial in trials:
        reasons = trial.reasons(limits)
        words = [str(reason[0]) for reason in reasons if reason]
        common = max(set(words), key=words.count) if words else "-"
        rows.append(
            (
                trial.variation.name.strip(),
                f"{100 * (1 - trial.worked.mean()):.1f}",
                f"{100 * trial.wrong.mean():.1f}",
                f"{100 * (~trial.found).mean():.1f}",
                f"{100 * len(words) / len(reasons):.1f}",
                common,
                f"{100 * trial.stranger_named.mean():.1f}",
                f"{100 * trial.strangers_past(limits):.1f}",
            )
        )
    return table(
        (
            "change",
            "FNIR % without gate",
            "named wrongly %",
            "no face %",
            "refused by the gate %",
            "most often",
            "strangers named % without gate",
            "with gate",
        ),
        rows,
    )


def gate(row: Gate) -> str:
    """Return what the quality gate does in all."""
    return table(
        ("frames", "number", "refused %"),
        [
            *(
                cells
                for caught in row.unusable
                for cells in (
                    (
                        f"of the {caught.conditions} conditions in which {100 * caught.failing:g} % or more fail",
                        f"{caught.frames:,}",
                        f"{100 * caught.refused:.1f}",
                    ),
                    ("... of these refusals, for the right reason", "", f"{100 * caught.right_reason:.1f}"),
                )
            ),
            ("that fail, all conditions", f"{row.failed:,}", f"{100 * row.refused_of_failed:.1f}"),
            ("that work, all conditions", f"{row.worked:,}", f"{100 * row.refused_of_worked:.1f}"),
            ("that work, unchanged", "", f"{100 * row.lost:.2f}"),
        ],
    )


def bursts(rows: Sequence[Gain]) -> str:
    """Return what several frames gain."""
    return table(
        ("burst of", "rule", "frames", "FNIR %", "strangers named %", "bursts of known / strangers"),
        [
            (
                row.source,
                row.rule,
                str(row.frames),
                f"{100 * row.fnir:.2f}",
                f"{100 * row.fpir:.2f}",
                f"{row.known:,} / {row.strangers:,}",
            )
            for row in rows
        ],
    )


def percent(spread: Spread, digits: int = 1) -> str:
    """Return a share in percent with its deviation over seeds."""
    return f"{100 * spread.mean:.{digits}f} ±{100 * spread.sd:.{digits}f}"
