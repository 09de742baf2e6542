"""The result of `make mutate`: for each module how many mutants the mirrored tests kill, and those that survive."""

from __future__ import annotations

import json
from pathlib import Path

#: Exit codes of mutmut 3: 0 survived, 33 no test reaches it; None: not run yet. Anything else is a kill.
SURVIVED, UNREACHED = 0, 33


def report(folder: Path = Path("mutants")) -> str:
    """A row for each module, and a line for each survivor: `mutmut show NAME` prints what was changed."""
    lines = ["| module | mutants run | killed | share | not run |", "|---|---|---|---|---|"]
    survivors = []
    for path in sorted(folder.rglob("*.meta")):
        codes = json.loads(path.read_text("utf-8"))["exit_code_by_key"]
        run = {name: code for name, code in codes.items() if code is not None}
        alive = [name for name, code in run.items() if code in (SURVIVED, UNREACHED)]
        killed, share = len(run) - len(alive), 1 - len(alive) / max(len(run), 1)
        module = path.relative_to(folder).with_suffix("")
        if run:
            lines.append(f"| {module} | {len(run)} | {killed} | {share:.0%} | {len(codes) - len(run)} |")
        survivors += alive
    return "\n".join([*lines, "", "survivors:", *(survivors or ["none"])])


if __name__ == "__main__":
    print(report())
