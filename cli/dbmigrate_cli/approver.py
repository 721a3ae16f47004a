"""The demo's approver: a person who clicks or presses Enter; without a terminal, one that says it is none."""

from __future__ import annotations

import re
import select
import sys
import threading
from urllib.parse import urlencode
from urllib.request import Request, urlopen

from dbmigrate_cli.output import Output
from dbmigrate_local.cloud import Cloud

CODE = re.compile(r'class="?code"?[^>]*>([A-Z2-9]{6})<')
GLANCE = 0.2  # seconds between two looks at the keyboard


class Approver:
    """Answers the newest link of one recipient, always through the page."""

    def __init__(self, cloud: Cloud, recipient: str, output: Output) -> None:
        self.cloud, self.recipient, self.output = cloud, recipient, output
        self.gone = threading.Event()

    def ask(self) -> list[str]:
        """Show the link; approve it now, or when Enter is pressed."""
        link = self.cloud.mailbox.approval_link(self.recipient)
        if not sys.stdin.isatty():
            threading.Thread(target=self.approve, args=(link,), daemon=True).start()
            return [link, "No terminal: the demo opens this page, types its code and approves by itself."]
        threading.Thread(target=self._wait_for_enter, args=(link,), daemon=True).start()
        return [link, "Open it and decide, or press Enter: the demo then approves through the same page."]

    def leave(self) -> None:
        """The run is over; nobody waits for the keyboard any longer."""
        self.gone.set()

    def _wait_for_enter(self, link: str) -> None:
        while not self.gone.is_set():
            ready, _, _ = select.select([sys.stdin], [], [], GLANCE)
            if ready and not self.gone.is_set():
                sys.stdin.readline()
                self.approve(link)
                return

    def approve(self, link: str) -> None:
        """Read the code on the page and type it there."""
        with urlopen(link, timeout=30) as answer:
            code = CODE.search(answer.read().decode())
        form = urlencode(
            {"decision": "approve", "code": code[1] if code else "", "comment": "approved by the demo"}
        )
        with urlopen(Request(link, data=form.encode(), method="POST"), timeout=30) as answer:
            answer.read()
