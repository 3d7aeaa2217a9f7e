"""The inventory as it stands before a regulator: one row a model, as CSV and as XLSX."""

from __future__ import annotations

import csv
import io
import tempfile
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import IO, Any

from django.db.models import Max
from django.utils import timezone
from django.utils.translation import gettext as _

from audits.models import Evaluation
from governance.inventory_cells import safe_cell
from governance.models import PolicyVersion
from governance.page_selectors.deployments import DeploymentShown
from governance.page_selectors.inventory import ExternalRow, Filters, Inventory, InventoryRow, Key, inventory_rows
from governance.page_selectors.models import ModelRow
from governance.page_selectors.standing import Standing
from governance.sign_offs import ends_at
from registry import ledger
from registry.errors import InvalidInput
from registry.models import ModelVersion, Person

MOST_ROWS = 50_000
_AT_ONCE = 250
COLUMNS = (
    "source", "model", "use_case", "purpose", "risk_tier", "owner", "newest_version", "manifest_sha256", "submitted",
    "stands", "runs", "noncompliant", "deployments", "policy", "approvals_valid_until", "datasets", "last_evaluated", "note",
)  # fmt: skip
Cells = list[str]


@dataclass(frozen=True, slots=True)
class Export:
    """What is exported: the keys of the rows as they were at one moment, and what to say beside them."""

    keys: list[Key]
    filters: Filters
    by: str
    at: datetime
    ledger_seq: int
    ledger_hash: str

    @property
    def name(self) -> str:
        """File name without its ending; it says when, and up to which ledger entry."""
        return f"inventory-{self.at:%Y%m%dT%H%M%SZ}-ledger-{self.ledger_seq}"

    @property
    def about(self) -> list[tuple[str, str]]:
        """What the sheet beside the rows says."""
        return [
            (_("exported"), _moment(self.at)),
            (_("by"), self.by),
            (_("models"), str(len(self.keys))),
            *((_("filter: %(name)s") % {"name": key}, text) for key, text in self.filters.given.items()),
            (_("order"), self.filters.sort or "name"),
            (_("ledger entry"), str(self.ledger_seq)),
            (_("ledger hash"), self.ledger_hash),
            (_("shows"), _("what the person who exported it may see, and nothing else")),
        ]


def begin_export(person: Person, filters: Filters) -> Export:
    """Fix what is exported.

    Raises
    ------
    InvalidInput
        If more than :data:`MOST_ROWS` models match.
    """
    inventory = Inventory(person, filters)
    if len(inventory) > MOST_ROWS:
        raise InvalidInput(
            _("%(n)s models match; at most %(most)s are exported at once. Filter further.")
            % {"n": f"{len(inventory):,}", "most": f"{MOST_ROWS:,}"},
            field="q",
        )
    head = ledger.entries().only("seq", "hash").first()
    return Export(
        inventory[0:MOST_ROWS],
        filters,
        person.printed_name,
        timezone.now(),
        head.seq if head else 0,
        head.hash if head else "",
    )


def csv_lines(export: Export) -> Iterator[str]:
    """The lines of the CSV, some hundred models at a time; with a byte order mark, without which Excel guesses."""
    yield "\ufeff"
    for row in [list(COLUMNS)], *_batches(export):
        buffer = io.StringIO()
        csv.writer(buffer).writerows([safe_cell(cell) for cell in cells] for cells in row)
        yield buffer.getvalue()


def xlsx_file(export: Export) -> IO[bytes]:
    """The workbook in a temporary file, open at its beginning; written row by row."""
    from openpyxl import Workbook

    book = Workbook(write_only=True)
    rows: Any = book.create_sheet(_("Inventory"))
    rows.freeze_panes = "C2"
    rows.append(list(COLUMNS))
    for batch in _batches(export):
        for cells in batch:
            rows.append([safe_cell(cell) for cell in cells])
    about: Any = book.create_sheet(_("About"))
    for pair in export.about:
        about.append([safe_cell(cell) for cell in pair])
    file = tempfile.TemporaryFile()  # noqa: SIM115 - the response closes it
    book.save(file)
    file.seek(0)
    return file


def _batches(export: Export) -> Iterator[list[Cells]]:
    for start in range(0, len(export.keys), _AT_ONCE):
        rows = inventory_rows(export.keys[start : start + _AT_ONCE])
        beside = _beside([row.here for row in rows if row.here])
        yield [_cells(row, beside) for row in rows]


@dataclass(frozen=True, slots=True)
class _Beside:
    """What a register says beyond the page, for one batch."""

    evaluated: dict[int, datetime]
    policies: dict[int, PolicyVersion]
    datasets: dict[int, list[str]]


def _beside(rows: Sequence[ModelRow]) -> _Beside:
    newest = [row.newest.pk for row in rows if row.newest]
    running = [pointer.promotion.version_id for row in rows for pointer in row.runs if pointer.promotion]
    evaluated = Evaluation.objects.filter(version__in=newest, report__isnull=False).values("version")
    verdicts = [standing.verdict for row in rows for standing in row.standings if standing.verdict]
    policies = PolicyVersion.objects.select_related("policy").defer("content")
    return _Beside(
        dict(evaluated.annotate(last=Max("finished_at")).values_list("version", "last")),
        policies.in_bulk({verdict.policy_version_id for verdict in verdicts}),
        _datasets({*newest, *running}),
    )


def _datasets(versions: set[int]) -> dict[int, list[str]]:
    """Slugs of the datasets that the versions were trained on, by model: who sees the model sees these."""
    trained = ModelVersion.objects.filter(pk__in=versions, training_dataset__isnull=False).order_by()
    found: defaultdict[int, list[str]] = defaultdict(list)
    slugs = trained.values_list("model", "training_dataset__dataset__slug", "training_dataset__label").distinct()
    for model, slug, label in sorted(slugs):
        found[model].append(f"{slug}@{label}")
    return found


def _cells(row: InventoryRow, beside: _Beside) -> Cells:
    if row.here is not None:
        return _here(row.here, row.deployments, beside)
    assert row.elsewhere is not None
    return _elsewhere(row.elsewhere)


def _here(row: ModelRow, deployments: Sequence[DeploymentShown], beside: _Beside) -> Cells:
    newest, case = row.newest, row.model.use_case
    runs = [pointer for pointer in row.runs if pointer.promotion]
    policies = {
        str(beside.policies[item.verdict.policy_version_id])
        for item in row.standings
        if item.verdict and item.verdict.policy_version_id in beside.policies
    }
    return [
        "submitted here", row.model.name, case.name, case.stated_purpose, case.risk_tier, case.owner.printed_name,
        newest.name if newest else "", newest.sha256 if newest else "", _moment(newest.created_at if newest else None),
        _joined(f"{item.environment}: {item.word}" if item.environment else item.word for item in row.standings),
        _joined(
            f"{item.environment}: {item.promotion.version.name} since {_moment(item.promotion.created_at)}"
            f" sha256:{item.promotion.version.sha256}" + _until(item.promotion.valid_until)
            for item in runs if item.promotion
        ),
        _joined(
            f"{item.environment} since {_moment(item.noncompliant_since)}: {item.noncompliance}"
            for item in runs if item.noncompliant_since
        ),
        _joined(_deployment(item) for item in deployments),
        _joined(sorted(policies)),
        _joined(f"{item.environment}: {_moment(end)}" for item in row.standings if (end := _approved_until(item))),
        _joined(beside.datasets.get(row.model.pk, [])),
        _moment(beside.evaluated.get(newest.pk) if newest else None),
        "",
    ]  # fmt: skip


def _elsewhere(row: ExternalRow) -> Cells:
    version, facts = row.newest, row.newest.facts
    linked = _("linked to %(model)s here; ") % {"model": version.model.name} if version.model else ""
    note = linked + _("not submitted here: nothing of it was measured")
    stated = _("%(stage)s, as %(registry)s says") % {"stage": facts.get("stage"), "registry": version.registry.name}
    cells = dict.fromkeys(COLUMNS, "")
    cells |= {
        "source": version.registry.name,
        "model": version.model_name,
        "owner": str(facts.get("owner", "")),
        "newest_version": version.name,
        "submitted": _moment(version.first_seen),
        "stands": stated if facts.get("stage") else "",
        "note": note,
    }
    return list(cells.values())


def _deployment(shown: DeploymentShown) -> str:
    item = shown.deployment
    where = f"{item.environment}: {item.version.name} as {item.kind} at {item.location}"
    region = f" ({item.region})" if item.region else ""
    warning = "" if shown.is_promoted else ", " + _("not what was promoted")
    return f"{where}{region} since {_moment(item.since)}{warning}"


def _approved_until(standing: Standing) -> datetime | None:
    """When the first of the approvals that count runs out."""
    if standing.stage != "approved":
        return None
    ends = [ends_at(item) for stage in standing.progress for item in stage.signed]
    return min((end for end in ends if end), default=None)


def _until(end: datetime | None) -> str:
    return f" approved until {_moment(end)}" if end else ""


def _moment(at: datetime | None) -> str:
    return f"{at:%Y-%m-%d %H:%M:%S}Z" if at else ""


def _joined(texts: Any) -> str:
    return "; ".join(texts)
