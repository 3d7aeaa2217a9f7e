"""Random rules over explanations, and random measurements of them."""

from __future__ import annotations

from collections.abc import Callable
from random import Random
from typing import Any

READ = ("age", "income", "zip")
UNREAD = "height"


def random_explanation(rng: Random, grid: Callable[[Random], float]) -> dict[str, Any]:
    rule: dict[str, Any] = {}
    if rng.random() < 0.8:
        rule |= {"confidence": rng.choice((0.9, 0.95)), "on_inconclusive": rng.choice(("block", "review"))}
    if rng.random() < 0.3:
        rule["forbid_top"] = rng.sample((*READ, UNREAD), rng.randint(1, 3))
        return rule | rng.choice(({}, {"top": 1}, {"top": 2}))
    metric = rng.choice(("importance_share", "importance_share_difference", "permutation_importance", "stability"))
    rule |= {"metric": metric, **rng.choice(({"at_least": grid(rng)}, {"at_most": grid(rng)}))}
    if metric != "stability" and rng.random() < 0.5:
        rule["feature"] = rng.choice((*READ, UNREAD))
    if metric == "importance_share_difference" and rng.random() < 0.6:
        rule["over"] = rng.sample(("race", "sex"), rng.randint(1, 2))
    return rule


def explanation_measurements(rng: Random, sized: Callable[..., list[dict[str, Any]]]) -> list[dict[str, Any]]:
    rows = sized(rng, "explanation", "stability")
    read = rng.choice((READ, READ, READ[:2], ()))
    for feature in read:
        place = {"feature": feature}
        for metric in ("importance_share", "permutation_importance"):
            rows += sized(rng, "explanation", metric, slice=place)
        rows += sized(rng, "explanation", "importance_share", slice={**place, "race": "black"})
        rows += places(rng, sized(rng, "explanation", "importance_rank", slice=place), len(read))
    for column in rng.choice((("race", "sex"), ("race", "sex"), ("race",), ())):
        rows += differences(rng, column, read, sized)
    return rows


def places(rng: Random, rows: list[dict[str, Any]], most: int) -> list[dict[str, Any]]:
    """Whole places in the stead of shares."""
    low, value, high = sorted(rng.randint(1, most) for _ in range(3))
    return [
        {**row, "value": value, "low": row["low"] and low, "high": row["high"] and high} if row["value"] is not None else row
        for row in rows
    ]  # fmt: skip


def differences(rng: Random, column: str, read: tuple[str, ...], sized: Any) -> list[dict[str, Any]]:
    if rng.random() < 0.15:
        rows = sized(rng, "explanation", "importance_share_difference", over=[column])
        return [{**row, "value": None, "low": None, "high": None, "note": "too few groups"} for row in rows]
    rows = sized(rng, "explanation", "importance_share_difference", over=[column])
    for feature in read:
        rows += sized(rng, "explanation", "importance_share_difference", over=[column], slice={"feature": feature})
    return rows
