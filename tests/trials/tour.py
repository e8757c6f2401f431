"""The tour as a lesson: executes results/published/tour.ipynb cell by cell, and keeps what each cell shows.

python tests/trials/tour.py [NOTEBOOK]
"""

from __future__ import annotations

import re
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

import nbformat
from nbclient import NotebookClient

TOUR = Path(__file__).parents[2] / "results" / "published" / "tour.ipynb"
KERNEL = {"display_name": "Python 3", "language": "python", "name": "python3"}


def execute(notebook: nbformat.NotebookNode, folder: Path) -> nbformat.NotebookNode:
    """Run all cells in this folder; raises CellExecutionError for the first that fails."""
    client = NotebookClient(notebook, timeout=300, kernel_name="python3", resources={"metadata": {"path": str(folder)}})
    return client.execute()


def tidied(notebook: nbformat.NotebookNode) -> nbformat.NotebookNode:
    """Without what differs from run to run and says nothing: times of cells, bars that have ended, colours of text."""
    notebook.metadata = {"kernelspec": KERNEL, "language_info": {"name": "python"}}
    for number, cell in enumerate(notebook.cells):
        cell.id = f"cell-{number}"
        cell.metadata = {}
        if cell.cell_type != "code":
            continue
        cell.outputs = [output for output in cell.outputs if not _is_ended_bar(output)]
        for output in cell.outputs:
            output.pop("metadata", None) if output.output_type == "stream" else None
            for kind, content in output.get("data", {}).items():
                if kind == "text/plain":
                    output["data"][kind] = re.sub(r"<Figure size .*>", "<Figure>", content)
    return notebook


def _is_ended_bar(output: nbformat.NotebookNode) -> bool:
    return not any(output.get("data", {"text": "x"}).values())


def main() -> None:
    path = Path(sys.argv[1]) if len(sys.argv) > 1 else TOUR
    with TemporaryDirectory() as folder:
        notebook = execute(nbformat.read(path, as_version=4), Path(folder))
    nbformat.write(tidied(notebook), path)
    print(f"{path}: {sum(cell.cell_type == 'code' for cell in notebook.cells)} cells ran")


if __name__ == "__main__":
    main()
