"""The commands that serve the project itself: its files, its study, its README, its copies."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path
from typing import Annotated

import pandas as pd
import typer

from eumlib import embeddings, faces, rivals, study
from eumlib._commands.printing import print_table
from eumlib._common import fetching
from eumlib._common.errors import shortened
from eumlib._common.files import PROJECT_FOLDER, try_to_write, write_text
from eumlib._common.named_files import REGISTRY
from eumlib._common.texts import read_json, read_text
from eumlib._reports import manifest, readme
from eumlib._reports import notebooks as workbook
from eumlib.course import student


def make_study(
    folder: Annotated[Path, typer.Argument(help="tables of embeddings, as `make study` embeds")],
    results: Annotated[Path, typer.Option(help="JSON to write")] = Path("data/study.json"),
    models: Annotated[Path, typer.Option(help="folder for models")] = Path("data/models"),
    people: Annotated[Path, typer.Option(help="people of nobody to write")] = (
        embeddings.PEOPLE_OF_NOBODY
    ),
    seeds: Annotated[int, typer.Option(min=1, help="trainings of each target")] = 5,
    ablation_seeds: Annotated[int, typer.Option(min=1, help="trainings of each case")] = 1,
    resamples: Annotated[int, typer.Option(min=1, help="bootstrap resamples")] = 200,
) -> None:
    """Train and judge everything that the workbook claims about training on people."""
    try_to_write(results, models / "tried", people)
    study.run_study(folder, results, models, people, seeds, ablation_seeds, resamples)
    print(f"{results} written; models in {models}, people of nobody in {people}")


def compare_rivals(
    folder: Annotated[Path, typer.Argument(help="tables of embeddings, as `make study` embeds")],
    results: Annotated[Path, typer.Option(help="JSON to write")] = Path("data/rivals.json"),
    work: Annotated[Path, typer.Option(help="folder for what is finished")] = Path("build/rivals"),
    root: Annotated[
        Path | None, typer.Option(help="folder or archive of lfw; without it, LFW is fetched")
    ] = None,
    trainings: Annotated[int, typer.Option(min=1, help="of each system")] = 3,
    resamples: Annotated[int, typer.Option(min=1, help="bootstrap resamples")] = 200,
) -> None:
    """Train and judge related systems under one protocol. Stopped, it goes on where it was."""
    try_to_write(results, work / "tried")
    photographs = faces.load_faces("lfw", root=root)
    rivals.run_rivals(folder, results, work, trainings, resamples, photographs=photographs)
    measured = read_json(results)
    rows = pd.DataFrame(measured["systems"])
    for rate, title in rivals.RATE_TITLES.items():
        print(f"\n{title}, %, and in brackets what it is more than SRT's")
        print_table(rivals.rivals_by_test(rows, rate).reset_index())
    print("\nWho is recognised while wearing a print")
    print_table(rivals.recognised_by_mask(pd.DataFrame(measured["attack"])).reset_index())
    print(f"\n{results} written; models in {work}")


def fetch(
    name: Annotated[
        str | None, typer.Argument(help="file to fetch; all are listed without")
    ] = None,
) -> None:
    """Fetch a named file into the cache, or list the files there are."""
    if name:
        print(fetching.fetch(name))
        return
    for file in REGISTRY.values():
        print(f"{file.name}  {file.size / 1e6:.0f} MB  {file.about}\n    licence: {file.licence}")
        print(f"    from: {'; or '.join(source.describe() for source in file.sources)}")


def write_readme(
    run: Annotated[Path, typer.Option(help="folder of a report")] = Path("build/report"),
    results: Annotated[Path, typer.Option(help="copy of the results")] = Path("data/results.json"),
    study_results: Annotated[Path, typer.Option("--study", help="results of the study")] = Path(
        "data/study.json"
    ),
    compared: Annotated[Path, typer.Option("--rivals", help="results of the rivals")] = Path(
        "data/rivals.json"
    ),
    path: Annotated[Path, typer.Option(help="the README")] = Path("README.md"),
    page: Annotated[Path, typer.Option(help="the page of results")] = Path("RESULTS.md"),
) -> None:
    """Put a report's results, the study and the rivals into RESULTS.md, four lines into README.md.

    The README also gets the list of notebooks, and badges, which lead to the Repository that
    pyproject.toml names under [project.urls].
    """
    try_to_write(results, path, page)
    made, measured = manifest.read_manifest(run), read_json(study_results)
    of_rivals, listed = read_json(compared), workbook.discover()
    about = PROJECT_FOLDER / "pyproject.toml"
    project = tomllib.loads(read_text(about))["project"]
    texts = {file: read_text(file) for file in (page, path)}
    for file, name, source, held, markdown in (
        (page, "results", run, made, readme.results_markdown),
        (page, "study", study_results, measured, readme.study_markdown),
        (page, "rivals", compared, of_rivals, readme.rivals_markdown),
        (path, "badges", about, project, readme.badges_markdown),
        (path, "front", compared, of_rivals, readme.front_markdown),
        (path, "notebooks", workbook.NOTEBOOK_FOLDER, listed, readme.notebooks_markdown),
    ):
        try:
            section = markdown(held)
        except (KeyError, TypeError, AttributeError, IndexError) as error:
            raise readme.ReadmeError(
                f"{source} has other results than the section {name} of {file} shows: "
                f"{shortened(repr(error))}"
            ) from error
        texts[file] = readme.with_section(texts[file], name, section)
    write_text(results, json.dumps(made, indent=1, ensure_ascii=False) + "\n")
    for file, text in texts.items():
        write_text(file, text)
    print(f"{path} and {page}: results of commit {made['commit']}")


def make_student_copies(
    out: Annotated[Path, typer.Option(help="folder; copies in it are replaced")] = Path(
        "notebooks/student"
    ),
) -> None:
    """Write the notebooks without the answers of their exercises."""
    try_to_write(out / "tried")
    workbook.discover()  # says so where there are none
    copies = student.write_student_copies(out)
    print(f"{out}: {len(copies)} notebooks without answers")
