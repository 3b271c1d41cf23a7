"""A server that speaks as OpenAI's chat completions or Anthropic's messages do, and answers as it is told to."""

import json
import threading
import time
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

Answer = Callable[[dict[str, Any]], Any]


class ModelServer:
    """One server on this machine; use it in a ``with``.

    Attributes:
        answers: What each request is answered with, in turn; the last one again and again. A mapping or a text is the
            draft, a number is an HTTP status, a negative number waits so many seconds.
        requests: What was asked.
        headers: Of each request.
    """

    def __init__(self, *answers: Any) -> None:
        self.answers = list(answers)
        self.requests: list[dict[str, Any]] = []
        self.headers: list[dict[str, str]] = []
        self._released = threading.Event()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._server.daemon_threads = True

    def __enter__(self) -> "ModelServer":
        threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._released.set()
        self._server.shutdown()
        self._server.server_close()

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}/v1"

    def _next(self) -> Any:
        return self.answers[min(len(self.requests), len(self.answers)) - 1]

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        server = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                server.requests.append(asked)
                server.headers.append({name.lower(): value for name, value in self.headers.items()})
                answer = server._next()
                if isinstance(answer, float):
                    server._released.wait(-answer)
                    return
                status, body = (answer, {"error": {"message": "no"}}) if isinstance(answer, int) else (200, None)
                speak = message if self.path.endswith("/messages") else completion
                data = json.dumps(body or speak(asked, answer)).encode()
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

            def log_message(self, *_: object) -> None:
                pass

        return Handler


def completion(asked: dict[str, Any], answer: Any) -> dict[str, Any]:
    """Return an answer by the tool that was offered, or as text where none was."""
    text = answer if isinstance(answer, str) else json.dumps(answer)
    message: dict[str, Any] = {"role": "assistant", "content": text}
    if asked.get("tools"):
        called = {"name": asked["tools"][0]["function"]["name"], "arguments": text}
        message = {"role": "assistant", "content": None}
        message["tool_calls"] = [{"id": f"call_{time.monotonic_ns()}", "type": "function", "function": called}]
    choice = {"index": 0, "message": message, "finish_reason": "tool_calls" if asked.get("tools") else "stop"}
    usage = {"prompt_tokens": 900, "completion_tokens": 100, "total_tokens": 1000}
    return {
        "id": "1", "object": "chat.completion", "created": 1_700_000_000, "model": asked["model"],
        "choices": [choice], "usage": usage,
    }  # fmt: skip


def message(asked: dict[str, Any], answer: Any) -> dict[str, Any]:
    """Return an answer as Anthropic's messages have it."""
    called = {"type": "tool_use", "id": "toolu_1", "name": asked["tools"][0]["name"], "input": answer}
    return {
        "id": "1", "type": "message", "role": "assistant", "model": asked["model"], "content": [called],
        "stop_reason": "tool_use", "stop_sequence": None, "usage": {"input_tokens": 900, "output_tokens": 100},
    }  # fmt: skip
