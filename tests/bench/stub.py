"""A DynamoDB that responds at once and stores nothing: only the client's own cost remains.

It runs in a process of its own, so that its CPU does not count as the client's. Writes succeed, single and in
batches. `batch_get_item` and `get_item` return the items from its standard input (`{"table|pk|sk": item}` as JSON).
"""

import asyncio
import json
import subprocess
import sys
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any


class Stub:
    """The responses by operation name."""

    def __init__(self, items: dict[str, Any]) -> None:
        self.items = items

    def answer(self, operation: str, body: bytes) -> bytes:
        """Return the JSON response to a call."""
        if operation in {"PutItem", "UpdateItem", "DeleteItem", "BatchWriteItem"}:
            return b"{}"
        request = json.loads(body)
        if operation == "BatchExecuteStatement":
            return json.dumps({"Responses": [{} for _ in request["Statements"]]}).encode()
        if operation == "BatchWriteItem":
            return b'{"UnprocessedItems":{}}'
        if operation == "GetItem":
            item = self._item(request["TableName"], request["Key"])
            return json.dumps({"Item": item} if item else {}).encode()
        if operation == "BatchGetItem":
            found = {
                table: [item for key in wanted["Keys"] if (item := self._item(table, key))]
                for table, wanted in request["RequestItems"].items()
            }
            return json.dumps({"Responses": found, "UnprocessedKeys": {}}).encode()
        raise ValueError(f"the stub does not know {operation}")

    def _item(self, table: str, key: dict[str, Any]) -> dict[str, Any] | None:
        item: dict[str, Any] | None = self.items.get("|".join([table, *(value["S"] for value in key.values())]))
        return item

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer every call on one kept-alive connection."""
        try:
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                headers = dict(line.split(": ", 1) for line in head.decode("latin-1").split("\r\n")[1:] if line)
                lower = {name.lower(): value for name, value in headers.items()}
                body = await reader.readexactly(int(lower.get("content-length", "0")))
                answer = self.answer(lower["x-amz-target"].rpartition(".")[2], body)
                writer.write(
                    b"HTTP/1.1 200 OK\r\ncontent-type: application/x-amz-json-1.0\r\nx-amz-crc32: %d\r\n"
                    b"x-amzn-requestid: STUB\r\ncontent-length: %d\r\n\r\n" % (zlib.crc32(answer), len(answer))
                )
                writer.write(answer)
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()


async def _main() -> None:
    stub = Stub(json.load(sys.stdin))
    server = await asyncio.start_server(stub.serve, "127.0.0.1", 0, limit=1 << 24)
    print(server.sockets[0].getsockname()[1], flush=True)
    async with server:
        await server.serve_forever()


@contextmanager
def running(items: dict[str, Any] | None = None) -> Iterator[str]:
    """Run the stub; yield its base URL."""
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.bench.stub"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        json.dump(items or {}, process.stdin)
        process.stdin.close()
        yield f"http://127.0.0.1:{int(process.stdout.readline())}"
    finally:
        process.terminate()
        process.wait(10)
        process.stdout.close()


if __name__ == "__main__":
    asyncio.run(_main())
