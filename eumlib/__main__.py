"""The command line: ``python -m eumlib --help``."""

from __future__ import annotations

import sys

from eumlib._commands import doctor

if __name__ == "__main__" and sys.argv[1:] == ["doctor"]:  # it works where packages are missing
    raise SystemExit(doctor.main())

import typer

from eumlib._commands import faces, models, project, reports
from eumlib._common.errors import EumlibError

app = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False)


@app.callback()
def describe() -> None:
    """Unmask face embeddings: embed faces, train an unmasking model, evaluate it, report."""


app.command("report")(reports.make_report)
app.command("compare")(reports.compare_reports)
app.command("doctor")(doctor.main)
app.command("embed")(faces.embed)
app.command("features")(faces.make_features)
app.command("pairs")(faces.make_pairs)
app.command("train")(models.train)
app.command("evaluate")(models.evaluate)
app.command("unmask")(models.unmask_table)
app.command("explore")(models.make_explorer)
app.command("study")(project.make_study)
app.command("rivals")(project.compare_rivals)
app.command("fetch")(project.fetch)
app.command("readme")(project.write_readme)
app.command("student")(project.make_student_copies)


def main() -> None:
    """Run the command line; errors of the user's making end with a message, not a traceback."""
    try:
        app()
    except EumlibError as error:
        print(f"error: {error}", file=sys.stderr)
        raise SystemExit(1) from None


if __name__ == "__main__":
    main()
