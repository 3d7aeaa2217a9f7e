"""Loads model files, one after the other in one sandbox, and asks each for scores; writes what came of each."""

import json
import sys
import time
from pathlib import Path

sys.path.append("/sandbox/code")

from audits.inside.formats.columns import rows_in
from audits.inside.loading import load_model

told = json.loads(sys.argv[1])


def came_of(name):
    import pyarrow as pa

    began = time.process_time()
    setup = {"format": name.rpartition(".")[2], "interface": told["interface"]}
    try:
        model = load_model(Path(name), setup)
        batch = pa.record_batch({"a": [0.5, 1.0], "b": [1.0, 2.0]})
        answer = model.answer(rows_in(batch, told["interface"]["inputs"]), decisions=False)
        words, refused = f"it answered {answer.values}", False
    except Exception as error:  # noqa: BLE001 - whatever a file of others makes the loaders raise
        words, refused = f"{type(error).__name__}: {error}", True
    return {"refused": refused, "words": words[:300], "seconds": time.process_time() - began}


Path(sys.argv[2]).write_text(json.dumps({name: came_of(name) for name in told["names"]}))
