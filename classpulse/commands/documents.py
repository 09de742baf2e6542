"""The documentation that is installed with the package: docs."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer()


@app.command()
def docs(
    name: Annotated[
        str | None, typer.Argument(metavar="[NAME]", help="Print this document, such as responsible-use.")
    ] = None,
) -> None:
    """List the documents about classpulse, or print one."""
    documents = {path.stem: path for path in sorted(_folder().glob("*.md"))}
    if name is None:
        for stem, path in documents.items():
            print(f"{stem:20}{path.read_text('utf-8').splitlines()[0].removeprefix('# ')}")
        return
    stem = Path(name).name.removesuffix(".md")
    if stem not in documents:
        raise typer.BadParameter(f"there is no document {name!r}; there are {', '.join(documents)}")
    print(documents[stem].read_text("utf-8"), end="")


def _folder() -> Path:
    """Where they are: in the installed package, or beside it in a checkout."""
    package = Path(__file__).parents[1]
    installed = package / "docs"
    return installed if installed.is_dir() else package.parent / "docs"
