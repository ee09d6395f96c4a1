"""A web server of this machine, whose files and faults a test decides."""

import threading
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer


class Handler(SimpleHTTPRequestHandler):
    """Serves a folder, notes what it is asked for, and hangs up half way where it is told to."""

    def log_message(self, *_):
        pass

    def do_GET(self):
        self.server.paths_asked.append(self.path)
        if self.path in self.server.cut_off:
            content = (self.server.folder / self.path[1:]).read_bytes()
            self.send_response(200)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content[: len(content) // 2])
        else:
            super().do_GET()


@contextmanager
def serving(folder):
    """A server with its `address`, `folder`, `paths_asked`, and paths that it cuts off."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Handler, directory=str(folder)))
    server.folder = folder
    server.paths_asked = []
    server.cut_off = set()
    server.address = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=partial(server.serve_forever, poll_interval=0.01))
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
