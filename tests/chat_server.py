"""A real HTTP server on the loopback that speaks OpenAI's chat completions, well or badly."""

import json
import threading
import time
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

END = object()  # of the stream, as the protocol wants it


def chunk(text, finish=None):
    delta = {"role": "assistant", "content": text}
    choice = {"index": 0, "delta": delta, "finish_reason": finish}
    values = {"id": "c", "object": "chat.completion.chunk", "created": 0, "model": "m"}
    return f"data: {json.dumps({**values, 'choices': [choice]}, ensure_ascii=False)}\n\n"


def play(step, out, done):
    """Write one step of a script."""
    if isinstance(step, float):
        done.wait(step)
        return
    for each in step() if callable(step) else [step]:
        if each is END:
            each = (chunk("", "stop") + "data: [DONE]\n\n").encode()
        out.write(each if isinstance(each, bytes) else chunk(each).encode())
        out.flush()
        if done.is_set():
            return


@contextmanager
def serving(*script, status=200):
    """Serve a script of texts, waits (seconds), raw bytes and END; gives the URL and requests."""
    requests, done = [], threading.Event()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            body = self.rfile.read(int(self.headers["Content-Length"]))
            headers = {name.lower(): value for name, value in self.headers.items()}
            requests.append((self.path, headers, json.loads(body)))
            self.send_response(status)
            self.send_header("Content-Type", "text/event-stream" if status == 200 else "text/plain")
            self.end_headers()
            try:
                for step in script:
                    play(step, self.wfile, done)
            except (BrokenPipeError, ConnectionResetError):
                pass  # the client has hung up, as it should

        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/v1", requests
    finally:
        done.set()
        server.shutdown()
        server.server_close()
        thread.join()


def endless():
    while True:
        time.sleep(0.001)
        yield "and so on and "
