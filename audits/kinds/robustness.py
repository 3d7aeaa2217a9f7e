"""``evaluate robustness``: what noise, gaps and slips in the inputs do to decisions, and whether promises are kept. Pure of Django."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from audits.engines.opening import Data, open_data
from audits.engines.port import Progress
from audits.kinds.kind import Kind
from audits.kinds.model_options import add_model_arguments, model_of
from audits.kinds.model_origins import origins_of
from audits.kinds.prediction_inputs import names
from audits.measures.sampled_rows import sample_rows
from audits.report import Report, make_report
from audits.robustness.parameters import ROWS, RobustnessParameters, parse_robustness
from audits.scoring.source import ModelSource
from registry.errors import InvalidInput

if TYPE_CHECKING:
    from audits.engines.port import Origin
    from audits.robustness.asking import Answers
    from audits.robustness.effects import Effect
    from audits.robustness.promises import Kept

_READ, _DIGITS = 0.05, 12


def open_model(*args: Any, **kwargs: Any) -> Any:
    """Open a model; imported late, since it loads numpy and pyarrow."""
    from audits.scoring.opening import open_model as open_it

    return open_it(*args, **kwargs)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Drawn:
    """Rows of the test data, of what they were drawn, and what counted them."""

    table: Any
    said: str
    origins: list[Origin]
    engine: str


def run(inputs: Sequence[Data], parameters: RobustnessParameters, progress: Progress) -> Report:
    """Score drawn rows as they are and after each perturbation, and try every promise of the manifest."""
    from audits.robustness.effects import effect_measurements
    from audits.robustness.promises import kept_measurements
    from audits.robustness.report import robustness_series, slice_measurements, worst_slices
    from audits.robustness.rows import Rows
    from audits.robustness.worst_slice import axes_of
    from audits.scoring.data import source_of

    source = source_of(inputs[0], dict(parameters.model) if parameters.model else None)
    drawn = _draw(inputs[1], source, parameters, progress)
    effects, kept = _ask(source, drawn.table, parameters, progress)
    decides = parameters.task != "regression"
    truth = _truth(drawn.table, parameters) if decides else None
    confidences = parameters.confidences
    measured = [
        item
        for effect in effects
        for item in effect_measurements(effect, truth, confidences=confidences, decides=decides)
    ]
    measured += [item for one in kept for item in kept_measurements(one, confidences)]
    cut = Rows.of(drawn.table, dict.fromkeys([*parameters.sensitive, *source.interface.inputs])).columns
    slices = worst_slices(effects, axes_of(cut), confidences) if decides else []
    measured += slice_measurements(slices)
    return make_report(
        "robustness",
        measured,
        origins=[*origins_of(source), *drawn.origins],
        parameters=parameters.as_json(),
        engine=drawn.engine,
        series=robustness_series(effects, measured, kept, slices, confidence=confidences[0]),
        warnings=_warnings(drawn.said, effects[0].before if effects else None),
    )


def _draw(test: Data, source: ModelSource, parameters: RobustnessParameters, progress: Progress) -> _Drawn:
    wanted = list(source.interface.inputs)
    for name in parameters.features:
        if name not in wanted:
            raise InvalidInput(f"the model does not read {name!r}", field="features")
    progress(0.0, "drawing rows")
    label = [parameters.label] if parameters.label else []
    with open_data(test) as engine:
        for field, columns in (("test", wanted), ("sensitive", parameters.sensitive), ("label", label)):
            engine.require(*columns, field=field)
        engine.require(*parameters.key, field="key")
        columns = list(dict.fromkeys([*wanted, *parameters.sensitive, *label, *parameters.key]))
        sample = sample_rows(engine, columns, parameters.rows, key=list(parameters.key), seed=parameters.seed)
        if not len(sample.table):
            raise InvalidInput("the test data have no rows", field="test")
        return _Drawn(table=sample.table, said=sample.said, origins=list(engine.origins), engine=engine.name)


def _ask(
    source: ModelSource, table: Any, parameters: RobustnessParameters, progress: Progress
) -> tuple[list[Effect], list[Kept]]:
    """What every perturbation does, and what becomes of every promise."""
    from audits.robustness.asking import Asker
    from audits.robustness.effects import Effect
    from audits.robustness.perturbations import perturbations_of
    from audits.robustness.promises import try_promise
    from audits.robustness.rows import Rows

    rows = Rows.of(table, source.interface.inputs)
    perturbations = list(perturbations_of(rows, parameters))
    steps = len(perturbations) + len(parameters.expectations)
    effects, kept = [], []
    progress(_READ, "starting the model")
    share = _READ

    def starting(_share: float, note: str) -> None:
        # A model that a question ended is started again in the midst of the work.
        progress(share, note)

    with Asker(open_model=lambda: open_model(source, progress=starting), rows=rows) as asker:
        before = asker.ask()
        if not before.answered.any():
            raise InvalidInput(f"the model answers about none of the rows: {before.message}", field="model")
        for done, item in enumerate(perturbations):
            share = _READ + (1 - _READ) * done / steps
            progress(share, f"{item.name} {item.feature}".strip())
            after = asker.ask(item.changes(parameters.seed))
            effects.append(Effect(name=item.name, feature=item.feature, before=before, after=after))
        hashes = _hashes(table, parameters.key or source.interface.inputs)
        for done, promise in enumerate(parameters.expectations, len(perturbations)):
            share = _READ + (1 - _READ) * done / steps
            progress(share, f"trying {promise.id}")
            kept.append(try_promise(asker.ask, rows, before, promise, hashes))
    progress(1.0, "looking for the slice that suffers most")
    return effects, kept


def _truth(table: Any, parameters: RobustnessParameters) -> Any:
    """The true outcomes as the texts that a model's decisions are."""
    import numpy as np

    from audits.robustness.effects import Truth

    if parameters.label is None:
        return None
    label = np.array([_text(value) for value in table[parameters.label].to_pylist()], dtype=object)
    positive = None
    if parameters.task == "binary":
        classes = sorted({value for value in label.tolist() if value is not None})
        # As everywhere: the last of the two classes is the positive one, unless it is named.
        named = parameters.positive or (classes[-1] if classes else "")
        positive = label == named
    return Truth(label=label, positive=positive)


def _text(value: Any) -> str | None:
    if value is None or value != value:  # noqa: PLR0124 - NaN
        return None
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value)


def _hashes(table: Any, key: Sequence[str]) -> list[str]:
    """What rows are called in reports: they are about people, whose values do not stand there."""
    from registry.canonical import sha256_hex

    return [sha256_hex(repr(list(row.values())).encode())[:_DIGITS] for row in table.select(list(key)).to_pylist()]


def _warnings(said: str, before: Answers | None) -> list[str]:
    found = [f"measured on {said}"]
    if before is not None and not before.answered.all():
        share = float(before.answered.mean())
        found.append(
            f"the model answers about {share:.1%} of the rows as they are; the rest is left out: {before.message}"
        )
    return found


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of ``evaluate robustness``."""
    add_model_arguments(parser)
    parser.add_argument("--label", metavar="COLUMN", help="column of true outcomes, to tell what accuracy is lost")
    parser.add_argument("--positive", metavar="VALUE", help="the positive class; by default the last of the two")
    parser.add_argument("--task", choices=("binary", "multiclass", "regression"), default="binary")
    parser.add_argument("--sensitive", type=names, default=[], metavar="A,B", help="columns that name groups")
    parser.add_argument("--features", type=names, default=[], metavar="A,B", help="inputs to perturb; by default all")
    parser.add_argument("--expectations", type=Path, metavar="PATH", help="YAML list of what is promised of the model")
    parser.add_argument("--key", type=names, default=[], metavar="A,B", help="columns that identify a row")
    parser.add_argument("--rows", type=int, default=ROWS, metavar="N", help="most rows to score")
    parser.add_argument("--confidence", type=float, default=0.95, metavar="X", help="coverage of the intervals")
    parser.add_argument("--seed", type=int, default=0, metavar="N", help="of the rows drawn and the noise")


def parameters_of(args: argparse.Namespace) -> dict[str, Any]:
    """The parameters that parsed options mean."""
    same = ("label", "positive", "task", "sensitive", "features", "key", "rows", "seed")
    return {
        **{name: getattr(args, name) for name in same},
        "confidences": [args.confidence],
        "declared_expectations": _stated(args.expectations),
        "model": model_of(args),
    }


def _stated(path: Path | None) -> Any:
    if path is None:
        return []
    from registry.safe_yaml import load_yaml

    try:
        content = path.read_bytes()
    except OSError as error:
        raise InvalidInput(f"{path}: {error.strerror}", field="expectations") from None
    return load_yaml(content, what=f"expectations {path.name}")


KIND = Kind(
    name="robustness",
    help="what noise, gaps and slips in the inputs do to a model's decisions",
    inputs=("model", "test"),
    parse=parse_robustness,
    run=run,
    add_arguments=add_arguments,
    parameters_of=parameters_of,
)
