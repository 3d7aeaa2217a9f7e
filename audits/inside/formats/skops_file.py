"""Models of scikit-learn in files of skops: types checked against the allow-list before anything is made of them."""

from __future__ import annotations

import zipfile
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from audits.inside.formats.class_names import class_names, decided
from audits.inside.formats.loaded import Answer, Description, Rows
from audits.inside.formats.skops_types import ALLOWED
from audits.inside.formats.text_columns import kinds_of
from audits.inside.refusal import Refusal

if TYPE_CHECKING:
    import numpy as np

_MOST_FILES, _MOST_BYTES = 200_000, 4 << 30
_SAID = 20
_TREES = ("DecisionTree", "ExtraTree", "RandomForest", "GradientBoosting", "HistGradientBoosting")
_METHODS = ("predict_proba", "decision_function", "predict")


class SkopsModel:
    """An estimator of scikit-learn.

    Attributes
    ----------
    estimator
        The object itself, as it was saved.
    """

    def __init__(self, estimator: Any, interface: Mapping[str, Any], libraries: Mapping[str, str]) -> None:
        self.estimator = estimator
        self.interface = interface
        self.names = _order_of(estimator, tuple(interface["inputs"]))
        self._named = getattr(estimator, "feature_names_in_", None) is not None
        # A vectoriser of texts at the beginning takes one column by itself and knows of no features.
        self._alone = getattr(estimator, "n_features_in_", None) is None and len(self.names) == 1
        self._method = _method_of(estimator, interface)
        kinds = kinds_of(estimator, self.names)
        self.description = Description(
            format="skops",
            inputs={name: kinds[name] for name in interface["inputs"]},
            outputs=tuple(name for name in _METHODS if hasattr(estimator, name)),
            classes=() if interface["task"] == "regression" else class_names(getattr(estimator, "classes_", ())),
            libraries=libraries,
            told={"estimator": type(estimator).__name__},
            trees=type(estimator).__name__.startswith(_TREES),
        )

    def answer(self, rows: Rows, *, decisions: bool) -> Answer:
        """Scores by the method that was chosen, and the estimator's own decisions where they are wanted."""
        import numpy as np

        taken = self._taken(rows)
        values = None
        if self._method != "predict" or not self.description.classes:
            found = np.asarray(getattr(self.estimator, self._method)(taken), dtype=np.float64)
            values = found.reshape(rows.count, -1)
        own = self.description.classes and (decisions or values is None)
        return Answer(values=values, decisions=decided(self.estimator.predict(taken)) if own else None)

    def outputs(self, rows: Rows) -> Mapping[str, Any]:
        """What each of the estimator's methods gives."""
        taken = self._taken(rows)
        return {name: getattr(self.estimator, name)(taken) for name in self.description.outputs}

    def _taken(self, rows: Rows) -> Any:
        """The rows in the form that the estimator was fitted on."""
        if self._alone and (rows.matrix is None and rows.texts):
            return rows.column(self.names[0])
        if not self._named:
            return _in_order(rows, self.names)
        import pandas as pd

        if rows.matrix is not None:
            return pd.DataFrame(_in_order(rows, self.names), columns=list(self.names), copy=False)
        return pd.DataFrame({name: rows.column(name) for name in self.names}, copy=False)


def load(path: Path, interface: Mapping[str, Any], *, allowed: Iterable[str] = ()) -> SkopsModel:
    """Load a file.

    Parameters
    ----------
    allowed
        Types beside :data:`skops_types.ALLOWED`.

    Raises
    ------
    Refusal
        If the file is no sound skops file, holds types that are not allowed (all are listed), or does not fit the interface.
    """
    import sklearn
    import skops
    import skops.io

    _check_archive(path)
    try:
        untrusted = skops.io.get_untrusted_types(file=path)
    except (KeyError, TypeError, ValueError, AttributeError, ImportError, RecursionError) as error:
        raise Refusal(f"is no sound skops file: {type(error).__name__}: {error}") from None
    trusted = ALLOWED | set(allowed)
    if refused := [name for name in untrusted if name not in trusted]:
        raise Refusal(_refusal(refused))
    try:
        estimator = skops.io.load(path, trusted=[name for name in untrusted if name in trusted])
    except Exception as error:  # noqa: BLE001 - whatever a file of others makes the constructors raise
        raise Refusal(f"cannot be loaded: {type(error).__name__}: {error}") from None
    if not hasattr(estimator, "predict"):
        raise Refusal(f"holds a {type(estimator).__name__}, which predicts nothing; save the fitted estimator itself")
    return SkopsModel(estimator, interface, {"scikit-learn": sklearn.__version__, "skops": skops.__version__})


def _check_archive(path: Path) -> None:
    try:
        with zipfile.ZipFile(path) as archive:
            entries = archive.infolist()
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError) as error:
        raise Refusal(f"is no sound skops file: {error}") from None
    names = {entry.filename for entry in entries}
    if "schema.json" not in names:
        pickled = [name for name in names if name.endswith((".pkl", ".pickle"))]
        what = f"holds {pickled[0]}, a pickle" if pickled else "holds no schema.json"
        raise Refusal(f"is no skops file: the archive {what}; save the model by skops.io.dump(model, 'model.skops')")
    unpacked = sum(entry.file_size for entry in entries)
    if len(entries) > _MOST_FILES or unpacked > _MOST_BYTES:
        raise Refusal(f"unpacks to {unpacked:,} bytes in {len(entries):,} files, more than may be loaded")


def _refusal(refused: Sequence[str]) -> str:
    more = f" and {len(refused) - _SAID} more" if len(refused) > _SAID else ""
    return (
        f"holds types that are not allowed: {', '.join(refused[:_SAID])}{more}. Rebuild the model from scikit-learn's own "
        "estimators, convert it by skl2onnx.to_onnx, serve it at an endpoint, or have the operator who trusts them add them "
        "to COUNTERSIGN_SKOPS_TYPES"
    )


def _order_of(estimator: Any, inputs: tuple[str, ...]) -> tuple[str, ...]:
    """The columns in the order in which the estimator was fitted on them."""
    fitted = getattr(estimator, "feature_names_in_", None)
    count = getattr(estimator, "n_features_in_", None)
    if fitted is not None:
        names = tuple(str(name) for name in fitted)
        if set(names) != set(inputs):
            raise Refusal(
                f"reads the columns {_listed(names)}, and execution.inputs names {_listed(inputs)}; name the same ones"
            )
        return names
    if count is not None and count != len(inputs):
        raise Refusal(f"reads {count} columns, and execution.inputs names {len(inputs)}: {_listed(inputs)}")
    return inputs


def _method_of(estimator: Any, interface: Mapping[str, Any]) -> str:
    stated = interface["output"]
    there = [name for name in _METHODS if hasattr(estimator, name)]
    if stated:
        if stated not in there:
            raise Refusal(f"has no output {stated!r}; it has {_listed(there)}")
        return str(stated)
    return "predict_proba" if "predict_proba" in there and interface["task"] != "regression" else "predict"


def _in_order(rows: Rows, names: tuple[str, ...]) -> np.ndarray[Any, Any]:
    stacked = rows.stacked()
    if rows.names == names:
        return stacked
    return stacked[:, [rows.names.index(name) for name in names]]


def _listed(names: Sequence[str]) -> str:
    more = f" and {len(names) - _SAID} more" if len(names) > _SAID else ""
    return ", ".join(names[:_SAID]) + more
