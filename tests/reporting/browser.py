"""A headless Chromium: what a page looks like to it, and what it says and asks for."""

from __future__ import annotations

import functools
import json
import os
import re
import shutil
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from tests.reporting.reading import parse

VARIABLE = "EASYREC_LITE_BROWSER"
NAMES = ("chromium", "chromium-browser", "google-chrome", "chrome")
FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-background-networking",
    "--disable-component-update",
    "--no-first-run",
    "--enable-logging=stderr",
    "--window-size=1280,900",
)
# Runs in a copy of the page without its policy, which would not let it.
PROBE = """<script id="probe-script">
addEventListener("load", () => {
  document.querySelectorAll("details").forEach((part) => { part.open = true; });
  const seen = {
    dark: matchMedia("(prefers-color-scheme: dark)").matches,
    paper: getComputedStyle(document.body).backgroundColor,
    ink: getComputedStyle(document.body).color,
    wide: document.documentElement.scrollWidth - document.documentElement.clientWidth,
    requests: performance.getEntriesByType("resource").map((entry) => entry.name),
    pictures: [...document.querySelectorAll("figure svg")].map((svg) => ({
      width: svg.getBoundingClientRect().width,
      height: svg.getBoundingClientRect().height,
      drawn: [...svg.querySelectorAll("path, use")].filter((shape) => {
        const box = shape.getBoundingClientRect();
        return box.width > 0 || box.height > 0;
      }).length,
      texts: [...svg.querySelectorAll("text")].map((text) => text.textContent),
      strayed: [...svg.querySelectorAll("text")].filter((text) => {
        const inner = text.getBoundingClientRect(), outer = svg.getBoundingClientRect();
        return inner.left < outer.left - 1 || inner.right > outer.right + 1;
      }).map((text) => text.textContent),
    })),
    reached: [...document.querySelectorAll("a, summary, [tabindex]")].map((node) => {
      node.focus();
      return document.activeElement === node && node.matches(":focus-visible");
    }),
  };
  const out = document.createElement("pre");
  out.id = "probe";
  out.textContent = JSON.stringify(seen);
  document.body.append(out);
});
</script>"""


@dataclass(frozen=True)
class Visit:
    """What came of opening a page.

    Attributes:
      seen: what `PROBE` found; empty for a page without it.
      console: messages on the console.
      requests: paths that the server was asked for.
    """

    seen: dict[str, Any]
    console: list[str]
    requests: list[str]


def find_browser() -> str:
    """Returns the browser; where there is none the test is skipped, and fails in CI."""
    given = os.environ.get(VARIABLE)
    found = given or next(filter(None, map(shutil.which, NAMES)), None)
    if found:
        return found
    reason = f"no headless browser: neither {VARIABLE} nor {', '.join(NAMES)} on the PATH"
    if os.environ.get("CI") == "true":
        pytest.fail(reason)
    pytest.skip(reason)


def with_probe(page: str) -> str:
    """Returns a page without its policy and with `PROBE`."""
    free, policies = re.subn(r'<meta http-equiv="Content-Security-Policy"[^>]*>', "", page)
    assert policies == 1
    return free.replace("</body>", f"{PROBE}</body>")


def visit(page: str, folder: Path, *flags: str) -> Visit:
    """Opens a page from a server that has nothing else."""
    (folder / "page.html").write_text(page, encoding="utf-8")
    with _served(folder) as (address, requests):
        arguments = [*FLAGS, *flags, f"--user-data-dir={folder / 'profile'}", "--dump-dom"]
        done = subprocess.run(
            [find_browser(), *arguments, f"{address}/page.html"],
            capture_output=True,
            text=True,
            check=False,
        )
    assert done.returncode == 0, done.stderr
    probes = [n for n in parse(done.stdout).all("pre") if n.attributes.get("id") == "probe"]
    console = [line for line in done.stderr.splitlines() if "CONSOLE" in line]
    return Visit(json.loads(probes[0].text) if probes else {}, console, requests)


@contextmanager
def _served(folder: Path) -> Iterator[tuple[str, list[str]]]:
    requests: list[str] = []

    class Handler(SimpleHTTPRequestHandler):
        def log_request(self, *_: object) -> None:
            requests.append(self.path)

        def log_message(self, *_: object) -> None:
            pass

    serve = functools.partial(Handler, directory=str(folder))
    with ThreadingHTTPServer(("127.0.0.1", 0), serve) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}", requests
        finally:
            server.shutdown()
            thread.join()
