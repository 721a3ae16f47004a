"""Follows an execution live, to its end."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from dbmigrate_cli.outcomes import Ending, ending_of
from dbmigrate_cli.output import Output
from dbmigrate_cli.story import Line, Story

PAGE = 30
LATE = 30.0  # seconds; Step Functions may show an execution a moment after it was started
COLOURS = {"good": "green", "bad": "red"}


def no_links() -> list[str]:
    """On AWS a link is for its approver alone."""
    return []


@dataclass
class Follower:
    """``client`` is that of Step Functions. ``links`` gives the approval links that may be shown:
    those of the local mailbox. ``interval`` is the seconds between two looks."""

    output: Output
    client: Any
    arn: str
    story: Story
    status_command: str
    interval: float = 2.0
    links: Callable[[], list[str]] = no_links
    seen: int = 0

    def to_the_end(self) -> Ending:
        """Say a line for each state until the execution ends; returns how it ended."""
        ticker = Ticker()
        while True:
            described = self._described()
            for event in self._news():
                ticker.clear()
                self._say(event)
            if described["status"] != "RUNNING":
                return ending_of(described, self.status_command)
            ticker.show(self.story)
            time.sleep(self.interval)

    def _described(self) -> dict[str, Any]:
        limit = time.monotonic() + LATE
        while True:
            try:
                return dict(self.client.describe_execution(executionArn=self.arn))
            except self.client.exceptions.ExecutionDoesNotExist:
                if self.seen or time.monotonic() > limit:
                    raise
                time.sleep(self.interval)

    def _news(self) -> Iterator[dict[str, Any]]:
        """Events not seen yet, oldest first. Asked newest first, a long history costs a small page a look."""
        found: list[dict[str, Any]] = []
        more: dict[str, str] = {}
        while True:
            page = self.client.get_execution_history(
                executionArn=self.arn, reverseOrder=True, maxResults=PAGE, includeExecutionData=True, **more
            )
            found += [event for event in page["events"] if event["id"] > self.seen]
            if not page.get("nextToken") or any(event["id"] <= self.seen for event in page["events"]):
                break
            more = {"nextToken": page["nextToken"]}
        for event in sorted(found, key=lambda event: event["id"]):
            self.seen = event["id"]
            yield event

    def _say(self, event: dict[str, Any]) -> None:
        line = self.story.tell(event)
        if line is None:
            return
        self.output.say(written(line), fg=COLOURS.get(line.mood))
        if event["type"] == "TaskSubmitted":
            for link in self.links():
                self.output.say(f"        {link}", bold=True)


def written(line: Line) -> str:
    """A line of the run: elapsed time, state, what it says."""
    return f"{elapsed(line.seconds)}  {line.state.ljust(22)}  {line.text}"


def elapsed(seconds: float) -> str:
    """Minutes and seconds in six columns, hours before them when there are any."""
    minutes, rest = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{rest:02d}".rjust(6) if hours else f"{minutes}:{rest:02d}".rjust(6)


class Ticker:
    """On a terminal, which state runs and for how long, until the next line comes."""

    def __init__(self) -> None:
        self.state, self.since, self.width = "", time.monotonic(), 0

    def show(self, story: Story) -> None:
        if not sys.stderr.isatty():
            return
        if story.state != self.state:
            self.state, self.since = story.state, time.monotonic()
        text = f"        {story.state} … {elapsed(time.monotonic() - self.since).strip()}"
        sys.stderr.write("\r" + text.ljust(self.width))
        sys.stderr.flush()
        self.width = len(text)

    def clear(self) -> None:
        if self.width:
            sys.stderr.write("\r" + " " * self.width + "\r")
            sys.stderr.flush()
            self.width = 0
