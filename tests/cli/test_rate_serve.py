"""`harness rate serve` as a process: its links, kill -9, Ctrl-C, the import of what was sent, and what it refuses."""

import http.client
import json
import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from urllib.parse import urlsplit

import pytest

from harness.cli import rate_serve
from tests.conftest import ROOT, RunCli, results_of
from tests.postgres import missing, postgres_server
from tests.rated_run import draw_of, make_run


@dataclass
class Serving:
    """A server in a process of its own, with its links."""

    process: subprocess.Popen[str]
    links: dict[str, str] = field(default_factory=dict)

    def end(self, how: int) -> tuple[int, str]:
        self.process.send_signal(how)
        _, said = self.process.communicate(timeout=60)
        return self.process.returncode, said


def ask(link: str, method: str = "GET", body: str | None = None) -> tuple[int, str]:
    parts = urlsplit(link)
    connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=20)
    connection.request(method, parts.path, body, {"Content-Type": "application/json"})
    reply = connection.getresponse()
    text = reply.read().decode()
    connection.close()
    return reply.status, text


def rate(link: str, first: int, last: int, score: Callable[[str], int]) -> None:
    """Send what a page would for some of its answers, one message each, and see each acknowledged."""
    found = re.search(r'<script type="application/json" id="data">(.*?)</script>', ask(link)[1], re.DOTALL)
    assert found is not None
    data = json.loads(found[1])
    for item, _, answer, *_ in data["items"][first:last]:
        body = json.dumps({"page": data["page"], "ratings": [{"item": item, "score": score(answer)}]})
        status, reply = ask(f"{link}/ratings", "POST", body)
        assert (200, item) == (status, json.loads(reply)["saved"][0]["item"])


@pytest.fixture
def serving(workplace: Path) -> Iterator[Callable[..., Serving]]:
    """Start `harness rate serve r` here."""
    started: list[subprocess.Popen[str]] = []
    make_run(workplace)

    def start(*options: str) -> Serving:
        process = subprocess.Popen(
            [sys.executable, "-c", "from harness.cli.main import main; main()", "rate", "serve", "r", *options],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, encoding="utf-8",
            env=os.environ | {"PYTHONPATH": str(ROOT), "PYTHONUNBUFFERED": "1"},
        )  # fmt: skip
        started.append(process)
        found = Serving(process)
        assert process.stdout is not None
        for line in process.stdout:
            name, link = line.split()
            found.links[name] = link
            if len(found.links) == 2:
                break
        return found

    yield start
    for process in started:
        process.kill()
        process.communicate()


def test_kill_and_go_on(serving: Callable[..., Serving], run_cli: RunCli) -> None:
    """Two raters, a killed server, the same links; after Ctrl-C the import makes them a judge, weights and all."""
    options = ("--raters", "sato,tanaka", "--sample", "20", "--draw", "optimal", "--port", str(_free_port()))
    by_model = {"w": 2, "s": 4, "同": 3}
    first = serving(*options)
    rate(first.links["sato"], 0, 7, lambda answer: by_model[answer[0]])
    rate(first.links["tanaka"], 0, 3, lambda answer: by_model[answer[0]])
    first.end(signal.SIGKILL)
    again = serving()
    assert first.links == again.links
    assert 7 == len(json.loads(ask(again.links["sato"] + "/ratings")[1])["ratings"])
    rate(again.links["sato"], 7, 99, lambda answer: by_model[answer[0]])
    code, said = again.end(signal.SIGINT)
    assert 0 == code, said
    assert "Traceback" not in said
    done = re.search(r"sato (\d+)/\1 · tanaka 3/\1", said)
    assert done is not None, said
    assert f"Ended. {int(done[1]) + 3} ratings are saved; the same command goes on with the same links." in said
    assert "harness rate import r" in said
    status = run_cli("rate", "status", "r")
    assert "mine: strong-7b − weak-7b" in status.out
    assert "no judge of the run yet" in status.err
    imported = run_cli("rate", "import", "r")
    assert 0 == imported.code, imported.err
    assert f"{int(done[1]) + 3} ratings of {done[1]} answers by 2 raters." in imported.out
    assert "What people would say of all tasks" in imported.err
    human = {row["model"]: row["n"] for row in results_of(Path(), "r")["rows"] if row["judge"] == "human"}
    assert {"weak-7b": 20, "strong-7b": 20} == human
    [draw] = [one["draw"] for one in json.loads(Path("runs/r/manifest.json").read_text())["joined"] if one["draw"]]
    assert (["sato", "tanaka"], 30) == (draw["names"], sum(map(len, draw["strata"]["mine"]["parts"])))
    [task] = json.loads(run_cli("audit", "r", "--json").out)["tasks"]
    assert {"stratified survey regression on the judge's scores"} == {
        row["estimate"]["method"] for found in task["anchorings"] for row in found["differences"]
    }


@pytest.mark.skipif(missing() is not None, reason=str(missing()))
def test_while_the_store_of_a_team_is_away_a_page_is_told_at_once(
    serving: Callable[..., Serving], run_cli: RunCli, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It keeps what it could not hand over, and hands it over when the store is back."""
    with postgres_server(settings=()) as database:
        url = database.url(database.new_database())
        assert 0 == run_cli("store", "copy", "runs/store.sqlite", url).code
        monkeypatch.setenv("HARNESS_STORE", url)
        served = serving("--raters", "sato,tanaka", "--sample", "20", "--port", str(_free_port()), "--store", url)
        rate(served.links["sato"], 0, 2, lambda _: 3)
        database.stop()
        assert 503 == ask(served.links["sato"] + "/ratings")[0]
        database.start()
        rate(served.links["sato"], 2, 3, lambda _: 4)
        assert 3 == len(json.loads(ask(served.links["sato"] + "/ratings")[1])["ratings"])
        code, said = served.end(signal.SIGINT)
    assert 0 == code, said
    assert "Traceback" not in said


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as found:
        port: int = found.getsockname()[1]
    return port


def test_what_cannot_be_served_is_said(run_cli: RunCli, workplace: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No such address, a port that is taken, no such run; an extra that is missing, with the command that adds it."""
    run = make_run(workplace)
    draw_of(run, workplace)
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        ran = run_cli("rate", "serve", "r", "--port", port)
    assert (2, True) == (ran.code, f"Cannot listen on 127.0.0.1, port {port}" in ran.err)
    ran = run_cli("rate", "serve", "r", "--host", "198.51.100.7")
    assert (2, True) == (ran.code, "Cannot listen on 198.51.100.7" in ran.err)
    assert 2 == run_cli("rate", "serve", "r", "--host", "no such host").code
    assert "'two,two' names somebody twice" in run_cli("rate", "serve", "r", "--raters", "two,two").err
    assert 2 == run_cli("rate", "serve", "gone").code
    monkeypatch.setattr(rate_serve, "find_spec", lambda _: None)
    ran = run_cli("rate", "serve", "r")
    assert (1, True) == (ran.code, "ja-harness[serve]" in ran.err or "[serve]" in ran.err)


def test_new_links_and_a_port_that_is_taken(run_cli: RunCli, workplace: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The same links again, but for the port, which is said; then new links, and the old ones are gone."""
    make_run(workplace)
    monkeypatch.setattr(rate_serve, "opened", lambda _: lambda *_: SimpleNamespace(run=lambda sockets: None))
    first = run_cli("rate", "serve", "r", "--raters", "2", "--sample", "20", "--port", str(_free_port()))
    port = urlsplit(first.out.split()[1]).port
    with socket.create_server(("127.0.0.1", port)):
        second = run_cli("rate", "serve", "r")
    assert "is taken, so another one is used" in second.err
    assert "Ended. 0 ratings are saved" in second.err
    third = run_cli("rate", "serve", "r", "--new-links")
    found = [[urlsplit(link).path for link in ran.out.split()[1::2]] for ran in (first, second, third)]
    assert found[0] == found[1]
    assert not {*found[0]} & {*found[2]}


@pytest.mark.parametrize(("host", "said"), [("127.0.0.1", "Only this machine"), ("0.0.0.0", "not encrypted")])
def test_who_can_reach_it_is_said(
    run_cli: RunCli, workplace: Path, monkeypatch: pytest.MonkeyPatch, host: str, said: str
) -> None:
    """Loopback unless told otherwise; then with an address that others can type."""
    make_run(workplace)
    monkeypatch.setattr(rate_serve, "opened", lambda _: lambda *_: SimpleNamespace(run=lambda sockets: None))
    ran = run_cli("rate", "serve", "r", "--sample", "20", "--host", host, "--port", str(_free_port()))
    assert 0 == ran.code, ran.err
    assert said in ran.err
    [link] = re.findall(r"^1\thttp://([\d.]+|[\w.-]+):\d+/r/\S+$", ran.out, re.MULTILINE)
    assert "0.0.0.0" != link
