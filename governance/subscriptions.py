"""What follows from changes that the registry announces: versions that they touch are judged again, by a worker."""

from __future__ import annotations

from governance.tasks import judge_dependents, judge_use_case


def dataset_changed(dataset_id: int, because: str) -> None:
    """Have every model that depends on the dataset judged again."""
    judge_dependents.enqueue(dataset_id, because)


def use_case_changed(use_case_id: int, because: str) -> None:
    """Have every model of the use case judged again."""
    judge_use_case.enqueue(use_case_id, because)
