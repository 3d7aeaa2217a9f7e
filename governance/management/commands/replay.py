"""``manage.py replay``: judge every verdict in history again; each must come out byte for byte the same."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError

from governance.models import Verdict
from governance.rules.evaluator import evaluate
from registry.canonical import parse_json, sha256_hex
from registry.errors import CountersignError


def _comes_out_the_same(verdict: Verdict) -> bool:
    try:
        again = evaluate(bytes(verdict.policy_version.content), parse_json(bytes(verdict.facts), what="facts"))
    except CountersignError:
        return False
    kept = (bytes(verdict.content), verdict.sha256, verdict.outcome)
    return kept == (again, sha256_hex(again), parse_json(again)["outcome"])


class Command(BaseCommand):
    """Replay verdicts."""

    help = "Recompute all verdicts from their policies and facts, and name those that differ"

    def handle(self, *args: Any, **options: Any) -> None:
        """Replay."""
        count, wrong = 0, []
        for verdict in Verdict.objects.select_related("policy_version").order_by("pk").iterator(chunk_size=200):
            count += 1
            if not _comes_out_the_same(verdict):
                wrong.append(str(verdict.pk))
        if wrong:
            raise CommandError(f"{len(wrong)} of {count} verdicts come out differently: {', '.join(wrong[:20])}")
        self.stdout.write(f"{count} verdicts replayed, all byte for byte the same")
