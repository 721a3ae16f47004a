"""An application under steady load: ``python -m benchmarks.load URL`` is its process, `Load` its remote.

Four clients send 400 requests a second together, each at times set beforehand (a Poisson process), and a
request's latency counts from when it should have begun: one that waits behind a stalled one counts in full,
so nothing is omitted. Half are point reads; the rest are short write transactions, inserts of an order with
its item, and small joins. A fifth session reads what is going to change for 3 to 8 seconds at a time, with
pauses of 2 to 5 seconds: one statement that holds its lock and its snapshot and leaves the processor alone.

A request that fails is counted with its error, and its client goes on with the next.
"""

from __future__ import annotations

import argparse
import contextlib
import gc
import json
import random
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import urlsplit

import pg8000.native

from benchmarks.measure import ROOT
from benchmarks.samples import Sample
from dbmigrate.adapters.login import facts_of

CLIENTS = 4
PER_SECOND = 400.0
ROWS = 1_000_000

Words = dict[str, Any]
"""What the deployed release of the application calls things, told while it runs; and how many orders there
are."""
FIRST_RELEASE: Words = {"name": "name", "legacy": True}


def read(run: Callable[[str], Any], words: Words) -> None:
    run(f"SELECT id, status, amount, customer_id FROM orders WHERE id = {random.randint(1, words['rows'])}")


def write(run: Callable[[str], Any], words: Words) -> None:
    order = random.randint(1, words["rows"])
    run("BEGIN")
    run(f"UPDATE orders SET amount = amount + 1 WHERE id = {order}")
    run(f"INSERT INTO events (at, kind) VALUES ('2026-01-15', 'changed {order}')")
    run("COMMIT")


def insert(run: Callable[[str], Any], words: Words) -> None:
    customer, legacy = random.randint(1, words["rows"] // 10), words["legacy"]
    run(
        f"""WITH made AS (
          INSERT INTO orders (customer_id, status, amount, reference{", legacy" if legacy else ""})
          VALUES ({customer}, 'new', 10, gen_random_uuid()::text{", 'x'" if legacy else ""}) RETURNING id)
        INSERT INTO items (order_id, sku, quantity) SELECT id, 'sku-1', 2 FROM made"""
    )


def join(run: Callable[[str], Any], words: Words) -> None:
    run(
        f"""SELECT o.id, o.amount, c.{words["name"]}, i.sku, i.quantity
          FROM orders o JOIN customers c ON c.id = o.customer_id LEFT JOIN items i ON i.order_id = o.id
         WHERE o.id = {random.randint(1, words["rows"])}"""
    )


def rename(run: Callable[[str], Any], words: Words) -> None:
    customer = random.randint(1, words["rows"] // 10)
    run(f"UPDATE customers SET {words['name']} = 'renamed {random.random()}' WHERE id = {customer}")


REQUESTS, WEIGHTS = (read, write, insert, join, rename), (50, 15, 15, 15, 5)
END_SECONDS = 120.0
LONG_READ = """SELECT pg_sleep({seconds}), (SELECT count(*) FROM orders WHERE id < 1000),
    (SELECT count(*) FROM items WHERE id < 1000), (SELECT count(*) FROM customers WHERE id < 1000),
    (SELECT count(*) FROM events WHERE id < 10), (SELECT count(*) FROM events_february WHERE id < 10)"""


class Client(threading.Thread):
    """One of the application's connections, and what it lived through."""

    def __init__(self, url: str, rate: float, words: Words, stop: threading.Event, begin: float) -> None:
        super().__init__(daemon=True)
        self.connection = connect(url, "application")
        self.rate, self.words, self.stop, self.begin = rate, words, stop, begin
        self.samples: list[Sample] = []

    def run(self) -> None:
        due = self.begin
        while not self.stop.is_set():
            due += random.expovariate(self.rate)
            time.sleep(max(0.0, due - time.time()))
            self._request(due, random.choices(REQUESTS, WEIGHTS)[0])

    def _request(self, due: float, request: Callable[..., None]) -> None:
        error = ""
        try:
            request(self.connection.execute_simple, self.words)
        except Exception as failed:
            error = f"{request.__name__}: {facts_of(failed).get('M', failed)}"
            with contextlib.suppress(Exception):
                self.connection.execute_simple("ROLLBACK")
        self.samples.append(Sample(due, (time.time() - due) * 1000, error))


def connect(url: str, application: str) -> Any:
    parts = urlsplit(url)
    return pg8000.native.Connection(
        parts.username or "postgres",
        parts.hostname or "",
        parts.path[1:],
        parts.port or 5432,
        ssl_context=False,
        application_name=application,
    )


def read_long(url: str, stop: threading.Event) -> None:
    """The long readers: they come and go until the end."""
    connection = connect(url, "reports")
    while not stop.wait(random.uniform(2, 5)):
        connection.execute_simple(LONG_READ.format(seconds=random.uniform(3, 8)))


def serve(url: str, rate: float, rows: int) -> None:
    """Send requests until standard input ends; each of its lines is what a new release says differently."""
    gc.disable()  # as many samples are kept, its pauses would look like the server's
    words, stop, begin = {**FIRST_RELEASE, "rows": rows}, threading.Event(), time.time() + 0.2
    clients = [Client(url, rate / CLIENTS, words, stop, begin) for _ in range(CLIENTS)]
    for client in clients:
        client.start()
    threading.Thread(target=read_long, args=(url, stop), daemon=True).start()
    for line in sys.stdin:
        words.update(json.loads(line))
    stop.set()
    for client in clients:
        client.join()
    json.dump([tuple(sample) for client in clients for sample in client.samples], sys.stdout)


class Load:
    """The running application, seen from the benchmark."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process
        self.samples: list[Sample] = []

    def release(self, **words: Any) -> None:
        """Deploy an application that calls things otherwise."""
        assert self._process.stdin is not None
        print(json.dumps(words), file=self._process.stdin, flush=True)

    def end(self) -> None:
        """Let what was begun come to its end, and take the samples over. Raises subprocess.TimeoutExpired
        when something keeps a request for ever."""
        said, _ = self._process.communicate(timeout=END_SECONDS)
        self.samples = sorted(Sample(*found) for found in json.loads(said))


@contextlib.contextmanager
def load_on(url: str, rows: int = ROWS, rate: float = PER_SECOND) -> Iterator[Load]:
    """The application in a process of its own; its samples are there when it was left."""
    command = [sys.executable, "-m", "benchmarks.load", url, "--rate", str(rate), "--rows", str(rows)]
    with subprocess.Popen(
        command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        try:
            load = Load(process)
            yield load
            load.end()
        finally:
            process.kill()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("url")
    parser.add_argument("--rate", type=float, default=PER_SECOND)
    parser.add_argument("--rows", type=int, default=ROWS)
    given = parser.parse_args()
    serve(given.url, given.rate, given.rows)
