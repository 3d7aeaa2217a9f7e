"""How a model is built again: the script, what it is given, and what it must write. Pure of Django."""

from __future__ import annotations

import hashlib
import math
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from registry.errors import InvalidInput

if TYPE_CHECKING:
    from audits.engines.opening import Data

SEED_VARIABLE, HASH_SEED = "COUNTERSIGN_SEED", "PYTHONHASHSEED"
SCORE_TOLERANCE, METRIC_TOLERANCE = 1e-9, 0.005

_PLACEHOLDER = "{seed}"
_HASH_SEEDS = 2**32
_MOST_FILES = 1000
_CHUNK = 1 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """How to build a model again.

    Attributes
    ----------
    script
        The training script, by its name among ``files``.
    model, predictions
        What it writes: the model, and predictions if it makes any.
    files
        Everything that it may read, by name; never the submitted model itself.
    arguments
        After the script's name; ``{seed}`` stands for the seed.
    seed
        The seed of the manifest; None where it states none.
    packages
        The name among ``files`` of the recorded packages; empty where none are recorded.
    python
        The recorded version of Python; empty where none is.
    submitted
        Digests of what was submitted, by the names that the script writes to.
    withheld
        Files that were not given to the script because they hold what it is to make.
    score_tolerance, metric_tolerance
        How far scores, and metrics, of the two models may lie apart and still count as the same, as far as it says.
    """

    script: str
    model: str
    files: Mapping[str, Path]
    predictions: str = ""
    arguments: tuple[str, ...] = ()
    seed: int | None = None
    packages: str = ""
    python: str = ""
    submitted: Mapping[str, str] = field(default_factory=dict)
    withheld: tuple[str, ...] = ()
    score_tolerance: float = math.inf
    metric_tolerance: float = math.inf

    @property
    def outputs(self) -> tuple[str, ...]:
        """What the script is to write."""
        return tuple(filter(None, (self.model, self.predictions)))

    @property
    def environment(self) -> dict[str, str]:
        """What the script finds in its environment: the seed, also for Python's own hashes of texts."""
        if self.seed is None:
            return {HASH_SEED: "0"}
        return {SEED_VARIABLE: str(self.seed), HASH_SEED: str(self.seed % _HASH_SEEDS)}

    @property
    def called_with(self) -> list[str]:
        """The arguments, the seed filled in."""
        return [argument.replace(_PLACEHOLDER, str(self.seed)) for argument in self.arguments]

    def within(self, *, score: float, metric: float) -> Recipe:
        """The same, with tolerances no wider than these: whoever submits a model does not say what is near enough."""
        return replace(
            self,
            score_tolerance=min(self.score_tolerance, score),
            metric_tolerance=min(self.metric_tolerance, metric),
        )

    def as_json(self) -> dict[str, Any]:
        """Plain JSON, as it stands in the report."""
        return {
            "script": self.script,
            "model_output": self.model,
            "predictions": self.predictions,
            "arguments": list(self.arguments),
            "seed": self.seed,
            "packages": self.packages,
            "files": sorted(self.files),
            "score_tolerance": self.score_tolerance,
            "metric_tolerance": self.metric_tolerance,
        }


def recipe_of(data: Data, stated: Mapping[str, Any], *, model_sha256: str) -> Recipe:
    """The recipe of a version's manifest, or of a folder and what the command line said.

    Parameters
    ----------
    data
        From the service the script, with its files and facts; from the command line a folder, all of whose files are given.
    stated
        Parameters that came with a folder: ``script``, ``model_output`` and more.
    model_sha256
        Digest of the submitted model: files with it are withheld, since a copy proves nothing.

    Raises
    ------
    InvalidInput
        If there is no script, no name for the model, or an argument wants a seed and none is stated.
    """
    if data.facts:
        recipe = _of_manifest(data)
    elif data.path is not None:
        recipe = _of_folder(data.path, data.name, stated)
    else:
        raise InvalidInput("name the folder of the training script and its data", field="files")
    if recipe.seed is None and any(_PLACEHOLDER in argument for argument in recipe.arguments):
        raise InvalidInput(
            "an argument asks for {seed}, but no seed is stated: give training.seed", field="training.seed"
        )
    made = {model_sha256, *recipe.submitted.values()}
    withheld = tuple(
        name
        for name, path in sorted(recipe.files.items())
        if name != recipe.script and (name in recipe.outputs or digest(path) in made)
    )
    kept = {name: path for name, path in recipe.files.items() if name not in withheld}
    return replace(recipe, files=kept, withheld=withheld)


def _of_manifest(data: Data) -> Recipe:
    facts = data.facts
    if data.path is None:
        raise InvalidInput(f"{data.name}: the training script is not there", field="execution.rebuild.script")
    tolerance = facts.get("tolerance", {})
    return Recipe(
        script=facts["script"],
        model=facts["model"],
        predictions=facts.get("predictions", ""),
        files={facts["script"]: data.path, **data.files},
        arguments=tuple(facts.get("arguments", ())),
        seed=facts.get("seed"),
        packages=facts.get("packages", ""),
        python=facts.get("python", ""),
        submitted=facts.get("submitted", {}),
        score_tolerance=float(tolerance.get("score", math.inf)),
        metric_tolerance=float(tolerance.get("metric", math.inf)),
    )


def _of_folder(folder: Path, name: str, stated: Mapping[str, Any]) -> Recipe:
    script, model = stated.get("script"), stated.get("model_output")
    if not script:
        raise InvalidInput("name the training script, as it is called in the folder", field="script")
    if not model:
        raise InvalidInput("name the file that the script writes the model to", field="model_output")
    if not folder.is_dir():
        raise InvalidInput(f"{name}: is no folder; name the one that holds the script and its data", field="files")
    written = {model, stated.get("predictions", "")}
    files = {path: local for path, local in _files_below(folder) if path not in written}
    if script not in files:
        raise InvalidInput(f"{name}: there is no {script}", field="script")
    packages = stated.get("packages", "")
    if packages and packages not in files:
        raise InvalidInput(f"{name}: there is no {packages}", field="packages")
    return Recipe(
        script=script,
        model=model,
        predictions=stated.get("predictions", ""),
        files=files,
        arguments=tuple(stated.get("arguments", ())),
        seed=stated.get("seed"),
        packages=packages,
    )


def _files_below(folder: Path) -> Iterable[tuple[str, Path]]:
    """All plain files, by their path below the folder; links are left out: they may lead anywhere."""
    found = []
    for where, _folders, names in os.walk(folder):
        for name in sorted(names):
            local = Path(where) / name
            if local.is_file() and not local.is_symlink():
                found.append((local.relative_to(folder).as_posix(), local))
        if len(found) > _MOST_FILES:
            raise InvalidInput(f"{folder}: more than {_MOST_FILES} files; name a folder of its own", field="files")
    return sorted(found)


def digest(path: Path) -> str:
    """The SHA-256 of a file's bytes."""
    sha256 = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK):
            sha256.update(chunk)
    return sha256.hexdigest()
