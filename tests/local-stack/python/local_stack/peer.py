"""What moto does in ministack, as an AWS service would: publish, put an object, emit an event.

In the background, so that no API call waits for a function that it woke up; several at once and in no promised order, as on AWS.
"""

import json
import sys
from concurrent.futures import Future, ThreadPoolExecutor
from urllib.parse import quote, urlencode
from urllib.request import Request, urlopen

from local_stack.settings import Settings

TIMEOUT_SECONDS = 60


class Peer:
    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._senders = ThreadPoolExecutor(max_workers=8, thread_name_prefix="peer")

    def publish(self, account: str, topic_arn: str, message: dict[str, object]) -> None:
        form = {"Action": "Publish", "Version": "2010-03-31", "TopicArn": topic_arn, "Message": json.dumps(message)}
        headers = {"Content-Type": "application/x-www-form-urlencoded"}
        self._send(account, "sns", Request(self._settings.ministack, urlencode(form).encode(), headers))

    def put_object(self, account: str, bucket: str, key: str, content: bytes) -> None:
        """Waits: who revoked a certificate finds it in the list afterwards."""
        url = f"{self._settings.ministack}/{bucket}/{quote(key)}"
        self._send(account, "s3", Request(url, content, method="PUT")).result()

    def emit(self, event: dict[str, object]) -> None:
        url = f"{self._settings.ministack}/_local/events"
        self._send(self._settings.provider, "events", Request(url, json.dumps(event).encode()))

    def _send(self, account: str, service: str, request: Request) -> Future[None]:
        credential = f"{account}/20260101/{self._settings.region}/{service}/aws4_request"
        request.add_header("Authorization", f"AWS4-HMAC-SHA256 Credential={credential}, SignedHeaders=host, Signature=local")
        return self._senders.submit(deliver, request)


def deliver(request: Request) -> None:
    try:
        with urlopen(request, timeout=TIMEOUT_SECONDS) as response:
            response.read()
    except OSError as error:
        print(f"{request.get_method()} {request.full_url}: {error}", file=sys.stderr)
