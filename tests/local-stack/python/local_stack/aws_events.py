"""`POST /_local/events`: an event with any source, as only AWS services may send them, onto a bus of an account.

ministack refuses `aws.*` sources in PutEvents, as AWS does, and has an inner way for its own services: this is a door to that.
"""

import asyncio
import json
from collections.abc import Callable
from typing import Any

PATH = "/_local/events"


async def emit(receive: Callable, send: Callable) -> None:
    event = json.loads(await body(receive))
    await asyncio.to_thread(put, event)
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"application/json")]})
    await send({"type": "http.response.body", "body": b"{}"})


async def body(receive: Callable) -> bytes:
    chunks, more = [], True
    while more:
        message = await receive()
        chunks.append(message.get("body", b""))
        more = message.get("more_body", False)
    return b"".join(chunks)


def put(event: dict[str, Any]) -> None:
    """The bus is `busAccount`'s; the event itself says `account`, as an event does that another account forwarded."""
    from ministack.core.responses import new_uuid, set_request_account_id, set_request_region
    from ministack.services import eventbridge

    set_request_account_id(event["busAccount"])
    set_request_region(event["region"])
    record = {
        "EventId": new_uuid(),
        "Source": event["source"],
        "DetailType": event["detailType"],
        "Detail": json.dumps(event["detail"]),
        "EventBusName": event["bus"],
        "Time": int(eventbridge._now_ts()),
        "Resources": event.get("resources", []),
        "Account": event["account"],
        "Region": event["region"],
    }
    eventbridge._dispatch_event(record)
