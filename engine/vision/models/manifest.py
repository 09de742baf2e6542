"""The one way in which a network is committed: its file, and its entry in models.json."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path


def commit(name: str, data: bytes, entry: dict[str, str], folder: Path) -> None:
    """Write the network `name` into `folder`, and its `entry` (origin, licence) with its sha256 into models.json.

    Entries of other networks stay as they are.
    """
    (folder / f"{name}.onnx").write_bytes(data)
    manifest = folder / "models.json"
    entries = json.loads(manifest.read_text("utf-8")) if manifest.exists() else {}
    entries[name] = {"file": f"{name}.onnx", "sha256": hashlib.sha256(data).hexdigest(), **entry}
    manifest.write_text(json.dumps(entries, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
