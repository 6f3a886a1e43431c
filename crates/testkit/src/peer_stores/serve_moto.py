"""The S3 of moto on a free port, with one bucket: prints where it listens, and runs until its input ends."""

import os
import sys
import threading
import urllib.request

from moto.server import DomainDispatcherApplication, create_backend_app
from werkzeug.serving import WSGIRequestHandler, make_server

moto = DomainDispatcherApplication(create_backend_app)
turn = threading.Lock()


def one_at_a_time(environ, start_response):
    """Moto looks whether a condition holds and writes then: of two requests at once both may find that it does."""
    with turn:
        answer = moto(environ, start_response)
        try:
            return [b"".join(answer)]
        finally:
            if hasattr(answer, "close"):
                answer.close()


class Silent(WSGIRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_request(self, *_):
        pass


server = make_server("127.0.0.1", 0, one_at_a_time, threaded=True, request_handler=Silent)
threading.Thread(target=server.serve_forever, daemon=True).start()
endpoint = f"http://127.0.0.1:{server.server_port}"
urllib.request.urlopen(urllib.request.Request(f"{endpoint}/bucket", method="PUT")).close()
print(endpoint, flush=True)
sys.stdin.read()
os._exit(0)
