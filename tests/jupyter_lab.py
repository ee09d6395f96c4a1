"""A JupyterLab for a test: one notebook, run in it, and its kernel asked from outside."""

import json
import os
import shutil
import subprocess
import sys
import time
import urllib.request

import nbformat
from jupyter_client import BlockingKernelClient
from jupyter_core.paths import jupyter_runtime_dir

from eumlib._common.files import NOTEBOOK_FOLDER, write_text

PATIENCE = 120
RUN_ALL = "jupyterapp.commands.execute('notebook:run-all-cells').then(() => 'ran')"


def workbook(name, **parameters):
    """A notebook of the workbook, its parameters set."""
    notebook = nbformat.read(NOTEBOOK_FOLDER / f"{name}.ipynb", as_version=4)
    (cell,) = [c for c in notebook.cells if "parameters" in c.metadata.get("tags", [])]
    cell.source += "".join(f"\n{key} = {value!r}" for key, value in parameters.items())
    return notebook


class Lab:
    """A server for a copy of one notebook; use it in a with block."""

    def __init__(self, folder, notebook):
        nbformat.write(notebook, folder / "tried.ipynb")
        self._path, self._folder = "tried.ipynb", folder

    def __enter__(self):
        settings = ["--expose-app-in-browser", "--no-browser", "--port=0", "--allow-root"]
        settings += ["--IdentityProvider.token=", f"--ServerApp.root_dir={self._folder}"]
        here = {"JUPYTER_CONFIG_DIR": str(self._folder / "config")}
        for plugin, choice in (
            ("notebook-extension/tracker", {"windowingMode": "none"}),
            ("apputils-extension/notification", {"fetchNews": "false"}),
        ):
            path = f"config/lab/user-settings/@jupyterlab/{plugin}.jupyterlab-settings"
            write_text(self._folder / path, json.dumps(choice))
        live = {name: value for name, value in os.environ.items() if name != "EUMLIB_STATIC"}
        self._log = (self._folder / "lab.log").open("w")
        self._server = subprocess.Popen(
            [sys.executable, "-m", "jupyterlab", *settings],
            env=live | here, stdout=self._log, stderr=self._log,
        )  # fmt: skip
        self._address = self._wait_for_address()
        return self

    def __exit__(self, *_error):
        self._server.terminate()
        self._server.wait(timeout=PATIENCE)
        self._log.close()
        shutil.rmtree(self._folder / "config", ignore_errors=True)

    def _wait_for_address(self):
        end = time.monotonic() + PATIENCE
        while time.monotonic() < end:
            for told in self._folder.glob("lab.log"):
                for word in told.read_text().split():
                    if word.startswith("http://127.0.0.1") or word.startswith("http://localhost"):
                        return word.split("/lab")[0]
            time.sleep(0.2)
        raise TimeoutError(f"JupyterLab did not start: {(self._folder / 'lab.log').read_text()}")

    def run_notebook(self, browser, patience=300):
        """Open the notebook in the browser, run all of its cells, and wait for the last."""
        browser.open(f"{self._address}/lab/tree/{self._path}?reset")
        browser.wait_for("!!window.jupyterapp && !!document.querySelector('.jp-Cell')", PATIENCE)
        context = "[...window.jupyterapp.shell.widgets('main')][0]?.sessionContext"
        # before the page has its kernel, cells would make it ask for one
        browser.wait_for(f"{context}?.session?.kernel?.status === 'idle'", PATIENCE)
        browser.run(f"window.ran = null; {RUN_ALL}.then((r) => {{ window.ran = r; }}); 0")
        browser.wait_for("window.ran", patience)

    def ask(self, code):
        """What the notebook's kernel prints for some code."""
        with urllib.request.urlopen(f"{self._address}/api/kernels", timeout=PATIENCE) as answer:
            (kernel,) = json.load(answer)
        client = BlockingKernelClient(
            connection_file=f"{jupyter_runtime_dir()}/kernel-{kernel['id']}.json"
        )
        client.load_connection_file()
        client.start_channels()
        printed = []
        try:
            client.wait_for_ready(timeout=PATIENCE)
            client.execute_interactive(
                code, timeout=PATIENCE,
                output_hook=lambda message: printed.append(message["content"].get("text", "")),
            )  # fmt: skip
        finally:
            client.stop_channels()
        return "".join(printed).strip()
