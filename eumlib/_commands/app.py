"""All commands by their names, and what each says when it is stopped."""

from __future__ import annotations

import sys

import typer
from typer.core import TyperGroup

from eumlib._commands import doctor, faces, models, project, reports

_GOES_ON = "the same command goes on from here"
_ANEW = "what is written is whole; the same command begins anew"
# What is said of a command that was stopped; of the others, that nothing is half written.
_AFTERWARDS = {
    "embed": _GOES_ON,
    "report": _GOES_ON,
    "rivals": _GOES_ON,
    "train": "with --checkpoint FILE the same command goes on from the last epoch, without it anew",
}


class _Stoppable(TyperGroup):
    def invoke(self, context: typer.Context) -> object:
        """Run the command; one that is stopped ends in a line, with the code of its signal."""
        try:
            return super().invoke(context)
        except KeyboardInterrupt as stop:
            afterwards = _AFTERWARDS.get(context.invoked_subcommand, _ANEW)
            print(f"\nstopped; {afterwards}", file=sys.stderr)
            raise typer.Exit(getattr(stop, "code", 130)) from None


app = typer.Typer(
    cls=_Stoppable, no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False
)


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
