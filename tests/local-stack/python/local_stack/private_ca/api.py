"""The calls of ACM PCA that moto answers differently, or not at all."""

import base64
import json
import time
from collections.abc import Callable
from typing import Any, cast

from moto.acmpca import models
from moto.acmpca.responses import ACMPCAResponse

from local_stack.extend import extend
from local_stack.peer import Peer
from local_stack.private_ca.authority import TOKEN_SECONDS, Authority
from local_stack.settings import Settings


def install(settings: Settings, peer: Peer) -> None:
    Authority.put_object = staticmethod(peer.put_object)
    models.CertificateAuthority = Authority  # type: ignore[assignment, misc]
    answers: dict[str, Callable[[dict[str, Any], Authority], dict[str, Any]]] = {
        "issue_certificate": lambda request, ca: {"CertificateArn": ca.issue(request, settings.issuance_seconds)},
        "get_certificate": get_certificate,
        "revoke_certificate": revoke_certificate,
        "import_certificate_authority_certificate": import_certificate,
    }
    extend(ACMPCAResponse, **{name: of_authority(answer) for name, answer in answers.items()})
    extend(ACMPCAResponse, create_certificate_authority=creation(ACMPCAResponse.create_certificate_authority))


def of_authority(answer: Callable[[dict[str, Any], Authority], dict[str, Any]]) -> Callable[[ACMPCAResponse], str]:
    """A call about one certificate authority of the caller's account."""

    def call(response: ACMPCAResponse) -> str:
        request = json.loads(response.body)
        authority = cast(Authority, response.acmpca_backend.describe_certificate_authority(request["CertificateAuthorityArn"]))
        return json.dumps({k: v for k, v in answer(request, authority).items() if v is not None})

    return call


def get_certificate(request: dict[str, Any], authority: Authority) -> dict[str, Any]:
    certificate, chain = authority.certificate_and_chain(request["CertificateArn"])
    return {"Certificate": certificate, "CertificateChain": chain}


def revoke_certificate(request: dict[str, Any], authority: Authority) -> dict[str, Any]:
    authority.revoke(request["CertificateSerial"], request["RevocationReason"])
    return {}


def import_certificate(request: dict[str, Any], authority: Authority) -> dict[str, Any]:
    authority.install(base64.b64decode(request["Certificate"]), request.get("CertificateChain"))
    return {}


def creation(create: Callable[[ACMPCAResponse], str]) -> Callable[[ACMPCAResponse], str]:
    """Adds what moto leaves out of CreateCertificateAuthority: the usage mode and the idempotency token."""
    tokens: dict[tuple[str, str], tuple[float, str]] = {}

    def call(response: ACMPCAResponse) -> str:
        request = json.loads(response.body)
        token = (response.current_account, request.get("IdempotencyToken", ""))
        at, answer = tokens.get(token, (float("-inf"), ""))
        if token[1] and time.monotonic() - at < TOKEN_SECONDS:
            return answer
        answer = create(response)
        arn = json.loads(answer)["CertificateAuthorityArn"]
        authority = response.acmpca_backend.describe_certificate_authority(arn)
        authority.usage_mode = request.get("UsageMode", "GENERAL_PURPOSE")
        tokens[token] = (time.monotonic(), answer)
        return answer

    return call
