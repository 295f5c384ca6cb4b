"""ministack, and a control route through which events of AWS services reach its buses.

usage: python -m local_stack.serve_ministack FOLDER SETTINGS   (see inherited.py)
"""

import asyncio
import os
import sys
from collections.abc import Callable

from local_stack import inherited, watchdog


def main() -> None:
    given = inherited.take(sys.argv[1:])
    watchdog.guard(given.lifeline, given.folder)
    # ministack reads these when it is imported.
    os.environ["GATEWAY_PORT"] = str(given.listener.getsockname()[1])
    os.environ["AWS_ENDPOINT_URL"] = given.url
    asyncio.run(serve(given))


async def serve(given: inherited.Inherited) -> None:
    from hypercorn.asyncio import serve as hypercorn_serve
    from hypercorn.config import Config

    config = Config()
    config.bind = [f"fd://{given.listener.detach()}"]
    config.keep_alive_timeout = 75
    await hypercorn_serve(application(given.say_ready), config)  # type: ignore[arg-type]


def application(say_ready: Callable[[], None]) -> Callable:
    """ministack's own ASGI application behind the control route; says when it has started."""
    from ministack.app import app

    from local_stack import aws_events

    async def wrapped(scope: dict, receive: Callable, send: Callable) -> None:
        async def send_and_tell(message: dict) -> None:
            await send(message)
            if message["type"] == "lifespan.startup.complete":
                say_ready()

        if scope["type"] == "http" and scope["path"] == aws_events.PATH:
            await aws_events.emit(receive, send)
        else:
            await app(scope, receive, send_and_tell)

    return wrapped


if __name__ == "__main__":
    main()
