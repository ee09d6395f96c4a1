"""A headless Chromium, driven over its own DevTools protocol.

It installs nothing: the browser is the system's, and the websocket client is in the extra `test`.
"""

import base64
import itertools
import json
import os
import shutil
import subprocess
import tempfile
import time
import urllib.request
from pathlib import Path

NAMES = ("chromium", "chromium-browser", "google-chrome", "chrome")
FLAGS = (
    "--headless=new", "--no-sandbox", "--disable-gpu", "--enable-unsafe-swiftshader",
    "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
    "--remote-allow-origins=*", "--remote-debugging-port=0",
)  # fmt: skip
PATIENCE = 60


def what_is_missing():
    """What has to be installed before a browser can be driven; None if all is there."""
    try:
        import websocket  # noqa: F401
    except ImportError:
        return "the Python package websocket-client, which the extra test names"
    if not chromium():
        return "Chromium (on Debian: apt-get install chromium), or its path in $CHROMIUM"
    return None


def chromium():
    """The path of the browser, or None."""
    return os.environ.get("CHROMIUM") or next(filter(None, map(shutil.which, NAMES)), None)


class Browser:
    """One page of one browser; leave it by `close`, or use it in a with block."""

    def __init__(self, width=1280, height=900):
        import websocket

        self._folder = tempfile.mkdtemp(prefix="browser-")
        self._process = subprocess.Popen(
            [
                chromium(),
                *FLAGS,
                f"--window-size={width},{height}",
                f"--user-data-dir={self._folder}",
                "about:blank",
            ],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        port = self._port()
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/json", timeout=PATIENCE) as answer:
            (page,) = [tab for tab in json.load(answer) if tab["type"] == "page"]
        self._socket = websocket.create_connection(page["webSocketDebuggerUrl"], timeout=PATIENCE)
        self._number = 0
        self.errors, self.requests = [], []
        for domain in ("Runtime", "Log", "Page", "Network"):
            self.send(f"{domain}.enable")
        self.resize(width, height)

    def _port(self):
        path, end = Path(self._folder) / "DevToolsActivePort", time.monotonic() + PATIENCE
        while time.monotonic() < end:
            if path.exists() and path.read_text():
                return int(path.read_text().split()[0])
            time.sleep(0.1)
        raise TimeoutError("Chromium did not start")

    def __enter__(self):
        return self

    def __exit__(self, *_error):
        self.close()

    def close(self):
        """End the browser that was started here, and remove its folder."""
        self._socket.close()
        self._process.terminate()
        self._process.wait(timeout=PATIENCE)
        shutil.rmtree(self._folder, ignore_errors=True)

    def send(self, method, **parameters):
        """One command of the protocol; events that come meanwhile are noted."""
        self._number += 1
        self._socket.send(json.dumps({"id": self._number, "method": method, "params": parameters}))
        while True:
            message = json.loads(self._socket.recv())
            if message.get("id") == self._number:
                if "error" in message:
                    raise RuntimeError(f"{method}: {message['error']['message']}")
                return message["result"]
            self._note(message.get("method"), message.get("params", {}))

    def _note(self, method, event):
        if method == "Network.requestWillBeSent":
            self.requests.append(event["request"]["url"])
        elif method == "Runtime.exceptionThrown":
            details = event["exceptionDetails"]
            self.errors.append(details.get("exception", details).get("description", str(details)))
        elif method == "Log.entryAdded" and event["entry"]["level"] == "error":
            self.errors.append(event["entry"]["text"])
        elif method == "Runtime.consoleAPICalled" and event["type"] in ("error", "assert"):
            self.errors.append(str(event["args"]))

    def run(self, script):
        """The value of a JavaScript expression; promises are waited for."""
        answer = self.send(
            "Runtime.evaluate", expression=script, awaitPromise=True, returnByValue=True
        )
        if "exceptionDetails" in answer:
            details = answer["exceptionDetails"]
            raise RuntimeError(details.get("exception", details).get("description", str(details)))
        return answer["result"].get("value")

    def open(self, address):
        """Go to a page and wait until it is parsed."""
        self.send("Page.navigate", url=address)
        self.wait_for("document.readyState === 'complete' && location.href !== 'about:blank'")

    def wait_for(self, script, patience=20):
        """Wait until an expression is true, and return its value."""
        end = time.monotonic() + patience
        while time.monotonic() < end:
            value = self.run(script)
            if value:
                return value
            time.sleep(0.05)
        raise TimeoutError(f"not within {patience} s: {script}")

    def offline(self):
        """Cut the network off."""
        self.send(
            "Network.emulateNetworkConditions",
            offline=True,
            latency=0,
            downloadThroughput=0,
            uploadThroughput=0,
        )

    def theme(self, name):
        """Prefer the ``"light"`` or the ``"dark"`` colour scheme."""
        self.send(
            "Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": name}]
        )

    def resize(self, width, height):
        """Another size of the page, in pixels."""
        self.send(
            "Emulation.setDeviceMetricsOverride",
            width=width,
            height=height,
            deviceScaleFactor=1,
            mobile=False,
        )

    def mouse(self, kind, x, y, held=False):
        """A ``mouseMoved``, ``mousePressed`` or ``mouseReleased`` at a place of the window."""
        pressing = kind != "mouseMoved"
        self.send(
            "Input.dispatchMouseEvent",
            type=kind,
            x=x,
            y=y,
            button="left" if pressing or held else "none",
            buttons=int(held),
            clickCount=int(pressing),
        )

    def click(self, x, y):
        """Point, press and release."""
        self.mouse("mouseMoved", x, y)
        self.mouse("mousePressed", x, y, held=True)
        self.mouse("mouseReleased", x, y)

    def drag(self, corners):
        """Press at the first of the places, move through the others, release at the last."""
        self.mouse("mouseMoved", *corners[0])
        self.mouse("mousePressed", *corners[0], held=True)
        for (x0, y0), (x1, y1) in itertools.pairwise(corners):
            for step in range(1, 9):
                self.mouse(
                    "mouseMoved", x0 + (x1 - x0) * step / 8, y0 + (y1 - y0) * step / 8, held=True
                )
        self.mouse("mouseReleased", *corners[-1])

    def key(self, name, code, text=""):
        """Press and release a key, by its name and its Windows code."""
        common = {"key": name, "code": name, "windowsVirtualKeyCode": code}
        kind = "keyDown" if text else "rawKeyDown"
        self.send("Input.dispatchKeyEvent", type=kind, **common, **({"text": text} if text else {}))
        self.send("Input.dispatchKeyEvent", type="keyUp", **common)

    def picture(self, path):
        """A screenshot of the window, as PNG."""
        packed = self.send("Page.captureScreenshot", format="png")["data"]
        Path(path).write_bytes(base64.b64decode(packed))
