"""Trees of scikit-learn's estimators: single ones, forests, boosted ones, by themselves or behind an imputer."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from audits.inside.trees import Trees, positive_place

if TYPE_CHECKING:
    import numpy as np

_SINGLE = ("DecisionTreeClassifier", "DecisionTreeRegressor", "ExtraTreeClassifier", "ExtraTreeRegressor")
_FORESTS = ("RandomForestClassifier", "RandomForestRegressor", "ExtraTreesClassifier", "ExtraTreesRegressor")
_BOOSTED = ("GradientBoostingClassifier", "GradientBoostingRegressor")
_BINNED = ("HistGradientBoostingClassifier", "HistGradientBoostingRegressor")


def trees_in_estimator(state: Any, interface: Mapping[str, Any]) -> Trees | None:
    """The trees of a loaded estimator over the columns of the interface; ``None`` where it is made of anything else."""
    import numpy as np

    taken = _last_step(state.estimator, len(state.names))
    if taken is None or state._method == "predict" and interface["task"] != "regression":  # noqa: RUF021
        return None
    estimator, filled = taken
    kind, found = type(estimator).__name__, None
    if kind in _SINGLE + _FORESTS:
        found = _averaged(state, interface, [estimator] if kind in _SINGLE else list(estimator.estimators_))
    elif kind in _BOOSTED:
        found = _boosted(state, interface, estimator)
    elif kind in _BINNED:
        found = _binned(state, interface, estimator)
    if found is None:
        return None
    order = np.array([interface["inputs"].index(name) for name in state.names], dtype=np.int32)
    arrays = dict(found.arrays)
    inner = arrays["left"] >= 0
    if filled is not None:
        # what is missing goes where the imputer's value goes
        put = np.asarray(filled, dtype=np.float32 if found.float32 else np.float64)[arrays["feature"]]
        arrays["default_left"] = np.where(inner, put.astype(np.float64) <= arrays["threshold"], False)
    arrays["feature"] = np.where(inner, order[arrays["feature"]], 0).astype(np.int32)
    return Trees(
        arrays=arrays, base=found.base, scale=found.scale, link=found.link, strict=found.strict, float32=found.float32
    )


def _last_step(estimator: Any, columns: int) -> tuple[Any, Any] | None:
    """The estimator itself, and what an imputer before it puts in the place of missing values; ``None`` for other steps."""
    import numpy as np

    steps = [
        step for _name, step in getattr(estimator, "steps", [("", estimator)]) if step not in (None, "passthrough")
    ]
    if len(steps) == 1:
        return steps[0], None
    if len(steps) != 2 or type(steps[0]).__name__ != "SimpleImputer":  # noqa: PLR2004 - an imputer and an estimator
        return None
    imputer: Any = steps[0]
    try:
        filled = np.asarray(imputer.statistics_, dtype=np.float64)
    except (TypeError, ValueError):  # texts
        return None
    simple = not np.isnan(filled).any() and len(filled) == columns
    missing = isinstance(imputer.missing_values, float) and np.isnan(imputer.missing_values)
    return (steps[1], filled) if simple and missing and not imputer.add_indicator else None


def _averaged(state: Any, interface: Mapping[str, Any], estimators: Sequence[Any]) -> Trees | None:
    """Trees that each give a probability or a number, of which the mean counts."""
    if any(estimator.n_outputs_ != 1 for estimator in estimators):
        return None
    if state._method == "predict":
        arrays = _joined([estimator.tree_ for estimator in estimators], lambda tree: tree.value[:, 0, 0])
        return Trees(arrays=arrays, scale=1 / len(estimators))
    place = positive_place(state, interface)
    if place is None or any(estimator.tree_.value.shape[2] != 2 for estimator in estimators):  # noqa: PLR2004 - two classes
        return None
    arrays = _joined(
        [estimator.tree_ for estimator in estimators],
        lambda tree: tree.value[:, 0, place] / tree.value[:, 0].sum(axis=1),
    )
    return Trees(arrays=arrays, scale=1 / len(estimators))


def _boosted(state: Any, interface: Mapping[str, Any], estimator: Any) -> Trees | None:
    """Trees whose sum is added to a constant; for classes the log-odds, or half of them with exponential loss."""
    import numpy as np

    if estimator.estimators_.shape[1] != 1 or type(estimator.init_).__name__ not in {
        "DummyClassifier",
        "DummyRegressor",
        "str",
    }:
        return None
    base = float(estimator._raw_predict_init(np.zeros((1, estimator.n_features_in_), dtype=np.float32)).ravel()[0])
    trees = [tree.tree_ for tree in estimator.estimators_[:, 0]]
    arrays = _joined(trees, lambda tree: tree.value[:, 0, 0])
    turned = _turned(state, interface)
    if turned is None:
        return None
    sign, link = turned
    if link == "logit" and estimator.loss == "exponential":
        sign *= 2.0
    return Trees(arrays=arrays, base=sign * base, scale=sign * float(estimator.learning_rate), link=link)


def _binned(state: Any, interface: Mapping[str, Any], estimator: Any) -> Trees | None:
    """Boosted trees over bins, read by their thresholds; those that split on categories are refused."""
    import numpy as np

    stages = [stage[0].nodes for stage in estimator._predictors if len(stage) == 1]
    link = type(estimator._loss.link).__name__
    plain = len(stages) == len(estimator._predictors) > 0 and getattr(estimator, "_preprocessor", None) is None
    if (
        not plain
        or any(nodes["is_categorical"].any() for nodes in stages)
        or link not in {"IdentityLink", "LogitLink", "HalfLogitLink"}
    ):
        return None
    turned = _turned(state, interface)
    if turned is None:
        return None
    sign, name = turned
    starts = np.cumsum([0, *(len(nodes) for nodes in stages)])
    leaf = np.concatenate([nodes["is_leaf"] for nodes in stages]).astype(bool)

    def joined(field: str) -> np.ndarray[Any, Any]:
        return np.concatenate([nodes[field] for nodes in stages])

    moved = {
        side: np.concatenate([nodes[side].astype(np.int64) + at for nodes, at in zip(stages, starts, strict=False)])
        for side in ("left", "right")
    }
    arrays = {
        "roots": starts[:-1].astype(np.int32),
        **{side: np.where(leaf, -1, places).astype(np.int32) for side, places in moved.items()},
        "feature": np.where(leaf, 0, joined("feature_idx")).astype(np.int32),
        "threshold": np.where(leaf, 0.0, joined("num_threshold")),
        "default_left": joined("missing_go_to_left").astype(bool) & ~leaf,
        "value": np.where(leaf, joined("value"), 0.0),
        "cover": joined("count").astype(np.float64),
    }
    base = float(np.ravel(estimator._baseline_prediction)[0])
    return Trees(arrays=arrays, base=sign * base, scale=sign, link=name, float32=False)


def _turned(state: Any, interface: Mapping[str, Any]) -> tuple[float, str] | None:
    """The sign and the link by which a boosted sum becomes the score that was asked for."""
    if interface["task"] == "regression" and state._method == "predict":
        return 1.0, "identity"
    place = positive_place(state, interface)
    if place is None:
        return None
    if state._method == "predict_proba":
        return (1.0 if place else -1.0), "logit"
    return (1.0, "identity") if place else None


def _joined(trees: Sequence[Any], value: Callable[[Any], Any]) -> dict[str, Any]:
    """Trees of scikit-learn behind each other; ``value`` gives what each node says."""
    import numpy as np

    starts = np.cumsum([0, *(tree.node_count for tree in trees)])
    leaf = np.concatenate([tree.children_left < 0 for tree in trees])

    def moved(side: str) -> np.ndarray[Any, Any]:
        places = [np.asarray(getattr(tree, side), dtype=np.int64) + at for tree, at in zip(trees, starts, strict=False)]
        return np.where(leaf, -1, np.concatenate(places)).astype(np.int32)

    return {
        "roots": starts[:-1].astype(np.int32),
        "left": moved("children_left"),
        "right": moved("children_right"),
        "feature": np.where(leaf, 0, np.concatenate([tree.feature for tree in trees])).astype(np.int32),
        "threshold": np.where(leaf, 0.0, np.concatenate([tree.threshold for tree in trees])),
        "default_left": np.concatenate([np.asarray(tree.missing_go_to_left, dtype=bool) for tree in trees]) & ~leaf,
        "value": np.where(leaf, np.concatenate([np.asarray(value(tree), dtype=np.float64) for tree in trees]), 0.0),
        "cover": np.concatenate([np.asarray(tree.weighted_n_node_samples, dtype=np.float64) for tree in trees]),
    }
