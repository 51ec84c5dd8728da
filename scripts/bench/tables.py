"""The tables and figures of the robustness benchmark."""

from collections.abc import Iterable, Sequence
from statistics import fmean, median

from cells import LAYERS, Cell
from quality import ENOUGH_DB, Quality
from subjects import Subject
from transforms import IMAGE, SOUND, VIDEO
from unmarked import Trials, bound

# What the goal speaks of: the listed changes; the harder ones are only printed.
COUNTED = {"video": VIDEO, "image": IMAGE, "sound": SOUND}
HEAD = ("c2pa", "mark", "blind", "print", "all")  # short for LAYERS

Judged = Sequence[tuple[Subject, Quality | None]]


def print_quality(judged: Judged) -> None:
    """Of the luma, mean of the sampled frames; delivered and encoded: against the master."""
    heads = ("painted", "SSIM", "at 1/4", "delivered", "unmarked encode")
    widths = (12, 8, 8, 14, 17)
    print("\n" + " " * 23 + _columns(heads, widths))
    for subject, quality in judged:
        if quality is None:
            continue
        told = [f"{quality.psnr_painted:.2f} dB"]
        told += [f"{quality.ssim_painted:.4f}", f"{quality.ssim_quarter:.4f}"]
        if quality.psnr_encoded != ENOUGH_DB:  # an image is not encoded with losses
            told += [f"{quality.psnr_delivered:.2f} dB", f"{quality.psnr_encoded:.2f} dB"]
        print(f"{subject.id:<23}" + _columns(told, widths))


def _columns(texts: Sequence[str], widths: Sequence[int]) -> str:
    return "".join(f"{text:>{width}}" for text, width in zip(texts, widths, strict=False))


def print_cells(cells: Sequence[Cell]) -> None:
    """Shares over all clips: found by each layer alone, and by the detector with all of them."""
    for medium, counted in COUNTED.items():
        of_medium = [cell for cell in cells if cell.medium == medium]
        if not of_medium:
            continue
        print(f"\n{medium:<22}" + "".join(f"{head:>7}" for head in HEAD) + _measures())
        for change in dict.fromkeys(cell.change for cell in of_medium):
            note = "" if change in counted else " (not counted)"
            _print_row(change, [cell for cell in of_medium if cell.change == change], note)
        _print_row("all counted", [cell for cell in of_medium if cell.change in counted])
        for name in dict.fromkeys(cell.name for cell in of_medium):
            ours = [cell for cell in of_medium if cell.name == name and cell.change in counted]
            _print_row(f"  {name}", ours)


def print_unmarked(found: Sequence[tuple[Trials, Trials]]) -> None:
    for medium, trials in zip(("clips", "sounds"), _totals(found), strict=True):
        print(
            f"\n{trials.files} unmarked {medium}: {trials.false_positives} false positives in "
            f"{trials.trials} trials, below {bound(trials.trials):.2g} at 95 %; "
            f"highest z of an issued id {trials.highest:.2f}; "
            f"{trials.false_candidates} fingerprint candidates"
        )
    print("A trial: one unmarked file, one secret, one organisation; identify and decode_blind.")


def figures(
    cells: Sequence[Cell],
    judged: Judged,
    found: Sequence[tuple[Trials, Trials]],
    strangers: int,
) -> dict[str, float]:
    """The last line. Shares over the listed changes of videos, pictures' and sounds' besides."""
    counted = [cell for cell in cells if cell.change in COUNTED[cell.medium]]
    video = [cell for cell in counted if cell.medium == "video"]
    image = [cell for cell in counted if cell.medium == "image"]
    sound = [cell for cell in counted if cell.medium == "sound"]
    seen, heard = _totals(found)
    trials = seen + heard
    qualities = [quality for _, quality in judged if quality]
    return {
        "found_share": _share(video, "together"),
        "watermark_share": _share(video, "watermark"),
        "blind_share": _share(video, "blind"),
        "fingerprint_share": _share(video, "fingerprint"),
        "image_found_share": _share(image, "together"),
        "image_watermark_share": _share(image, "watermark"),
        "sound_found_share": _share(sound, "together"),
        "sound_watermark_share": _share(sound, "watermark"),
        "wrong_records": sum(cell.answers["together"] == "wrong" for cell in cells),
        "wrong_candidates": sum(cell.answers["fingerprint"] == "wrong" for cell in cells),
        "bit_accuracy": round(fmean(cell.bits for cell in counted), 4),
        "cells": len(counted),
        "distractors": strangers,
        "unmarked_files": trials.files,
        "trials": trials.trials,
        "false_positives": trials.false_positives,
        "false_positive_bound_95": round(bound(trials.trials), 6),
        "false_candidates": trials.false_candidates,
        "psnr_db_min": round(min(quality.psnr_painted for quality in qualities), 2),
        "ssim_min": round(min(quality.ssim_painted for quality in qualities), 4),
        "ssim_quarter_min": round(min(quality.ssim_quarter for quality in qualities), 4),
    }


def _measures() -> str:
    return f"{'bits':>8}{'z med':>7}{'z min':>7}  lowest"


def _print_row(title: str, cells: Sequence[Cell], note: str = "") -> None:
    shares = "".join(f"{_share(cells, layer):7.0%}" for layer in LAYERS)
    lowest = min(cells, key=lambda cell: cell.z)
    wrong = sum(cell.answers["together"] == "wrong" for cell in cells)
    measured = f"{fmean(cell.bits for cell in cells):8.3f}{median(cell.z for cell in cells):7.1f}"
    told = f"{measured}{lowest.z:7.1f}  {lowest.name}/{lowest.change}"
    print(f"{title:<22}{shares}{told}{note}" + (f" WRONG RECORDS: {wrong}" if wrong else ""))


def _share(cells: Sequence[Cell], layer: str) -> float:
    return round(fmean(cell.answers[layer] == "right" for cell in cells), 4) if cells else 0.0


def _totals(found: Iterable[tuple[Trials, Trials]]) -> tuple[Trials, Trials]:
    seen, heard = Trials(), Trials()
    for clips, sounds in found:
        seen, heard = seen + clips, heard + sounds
    return seen, heard
