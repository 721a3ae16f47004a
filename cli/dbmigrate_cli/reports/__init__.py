"""A validation's report for each of its readers: a terminal, a pull request, a program, a code scanner."""

from __future__ import annotations

from dbmigrate.domain.errors import DbMigrateError, Refused
from dbmigrate.domain.report import Report
from dbmigrate_cli.output import Output


def write(output: Output, format: str, report: Report) -> None:
    """The report in this format."""
    if format == "markdown":
        from dbmigrate_cli.reports.markdown import report_markdown

        output.document(report_markdown(report))
    elif format == "sarif":
        from dbmigrate_cli.reports.sarif import report_sarif

        output.document(report_sarif(report))
    elif format == "json":
        from dbmigrate_cli.reports.programs import report_json

        output.result(**report_json(report))
    else:
        from dbmigrate_cli.reports.text import show_report

        show_report(output, report)


def refuse(output: Output, format: str, error: DbMigrateError) -> None:
    """What stands in the report's place when there is none, as a revision did not even run."""
    if format == "markdown":
        from dbmigrate_cli.reports.markdown import refusal_markdown

        output.document(refusal_markdown(error))
    elif format == "sarif":
        from dbmigrate_cli.reports.sarif import refusal_sarif

        output.document(refusal_sarif(error))
    elif format == "json" and isinstance(error, Refused):
        output.result(verdict="block", findings=[], revisions=[], diff=[])
