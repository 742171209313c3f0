"""The baseline of W2: groups the obvious way, one frame written per recipient and message, on aiohttp and uvloop.

It keeps nothing on disk and checks nothing: a member's frame is sent on to every other member, and acknowledged.
"""

import itertools
import json
import sys

import uvloop
from aiohttp import WSMsgType, web

everybody: list[web.WebSocketResponse] = []
numbers = itertools.count(1)


async def serve(request: web.Request) -> web.WebSocketResponse:
    socket = web.WebSocketResponse(compress=False, protocols=("balefire.v1.json",))
    await socket.prepare(request)
    everybody.append(socket)
    async for message in socket:
        if message.type is not WSMsgType.TEXT:
            continue
        frame = json.loads(message.data)
        if frame["t"] == "hello":
            await socket.send_json({"t": "welcome", "id": frame["id"]})
            continue
        seq = next(numbers)
        message_frame = {
            "t": "message",
            "message": "7312000000000001",
            "in": frame["to"],
            "seq": seq,
            "from": "u",
            "id": frame["id"],
            "at": 1767225600123,
            "type": "text",
            "fields": frame["fields"],
        }
        await socket.send_str(f'{{"t":"sent","id":"{frame["id"]}","message":"7312000000000001","seq":{seq}}}')
        text = json.dumps(message_frame, separators=(",", ":"))
        for other in everybody:
            if other is not socket:
                await other.send_str(text)
    everybody.remove(socket)
    return socket


def main() -> None:
    uvloop.install()
    app = web.Application()
    app.router.add_get("/v1/socket", serve)
    web.run_app(app, host="127.0.0.1", port=int(sys.argv[1]), print=None, access_log=None)


if __name__ == "__main__":
    main()
