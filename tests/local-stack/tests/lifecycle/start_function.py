"""Deploys a function that never asks for its event, and invokes it. usage: start_function.py URL"""

import base64
import io
import json
import sys
import urllib.request
import zipfile

BOOTSTRAP = "#!/bin/sh\nwhile :; do sleep 1; done\n"
CREDENTIAL = "Credential=000000000000/20260101/eu-west-1/lambda/aws4_request"


def package() -> str:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("bootstrap", BOOTSTRAP)
    return base64.b64encode(packed.getvalue()).decode()


def post(path: str, body: dict[str, object], **headers: str) -> None:
    signed = {"Authorization": f"AWS4-HMAC-SHA256 {CREDENTIAL}, SignedHeaders=host, Signature=local", **headers}
    urllib.request.urlopen(urllib.request.Request(sys.argv[1] + path, json.dumps(body).encode(), signed)).read()


post(
    "/2015-03-31/functions",
    {
        "FunctionName": "sleeper",
        "Runtime": "provided.al2023",
        "Handler": "bootstrap",
        "Role": "arn:aws:iam::000000000000:role/sleeper",
        "Timeout": 60,
        "Code": {"ZipFile": package()},
    },
)
post("/2015-03-31/functions/sleeper/invocations", {}, **{"X-Amz-Invocation-Type": "Event"})
