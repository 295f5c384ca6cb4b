"""A certificate authority: moto's record of one, with a key of the asked type, issuance and revocation of its own."""

import base64
import re
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import uuid4

from cryptography import x509
from cryptography.hazmat.primitives import serialization
from moto.acmpca.models import CertificateAuthority

from local_stack.private_ca import crl, errors, issuing, keys, validity

SERIAL = re.compile(r"[0-9a-fA-F]+(?::[0-9a-fA-F]+)*")
TOKEN_SECONDS = 300
TOKEN_LENGTH = 36

PutObject = Callable[[str, str, str, bytes], None]
"""Account, bucket, key, content."""


@dataclass
class Issued:
    issuance: issuing.Issuance
    ready_at: float


class Authority(CertificateAuthority):
    put_object: PutObject
    """Set once, when the emulator starts: where lists are published."""

    def __init__(self, **named: Any) -> None:
        super().__init__(**named)
        self.usage_mode = "GENERAL_PURPOSE"
        self.signing_key = keys.generate(self.certificate_authority_configuration["KeyAlgorithm"])
        self.issued: dict[str, Issued] = {}
        self.revoked: crl.Revoked = {}
        self.crl_number = 0
        self._lock = threading.Lock()
        self._tokens: dict[str, tuple[float, str]] = {}

    @property
    def key(self) -> keys.PrivateKey:  # type: ignore[override]
        return self.signing_key

    def issue(self, request: dict[str, Any], delay: float) -> str:
        """The ARN, at once; the certificate can be had `delay` seconds later."""
        with self._lock:
            return self._issue(request, delay)

    def _issue(self, request: dict[str, Any], delay: float) -> str:
        token = request.get("IdempotencyToken")
        if token and (known := self._known(token)):
            return known
        issuance = issuing.issue(self._issuer(), request)
        if self.status != "ACTIVE" and not issuance.template.root:
            raise errors.invalid_state(f"the certificate authority is {self.status}")
        # On AWS this may or may not be the serial number; here it never is, so that nobody takes it for one.
        arn = f"{self.arn}/certificate/{uuid4().hex}"
        self.issued[arn] = Issued(issuance, time.monotonic() + delay)
        if token:
            self._tokens[token] = (time.monotonic(), arn)
        if self.crl_number == 0 and not issuance.template.root:
            self._publish_crl()
        return arn

    def certificate_and_chain(self, arn: str) -> tuple[str, str | None]:
        issued = self.issued.get(arn)
        if issued is None:
            raise errors.not_found(f"no certificate {arn}")
        if time.monotonic() < issued.ready_at:
            raise errors.in_progress("the certificate is being issued")
        chain = None if issued.issuance.template.root else self._chain()
        return issued.issuance.pem.decode().strip(), chain

    def revoke(self, serial: str, reason: str) -> None:
        with self._lock:
            self._revoke(serial, reason)

    def _revoke(self, serial: str, reason: str) -> None:
        if self.status != "ACTIVE":
            raise errors.invalid_state(f"the certificate authority is {self.status}")
        if reason not in crl.REASONS:
            raise errors.validation(f"no revocation reason {reason}")
        if not SERIAL.fullmatch(serial):
            raise errors.invalid_request(f"the serial number {serial} is malformed")
        number = int(serial.replace(":", ""), 16)
        known = {issued.issuance.certificate.serial_number: issued.issuance for issued in self.issued.values()}
        if number not in known:
            raise errors.not_found(f"no certificate with serial number {serial}")
        if known[number].template.root:
            raise errors.invalid_request("a self-signed certificate cannot be revoked")
        if number in self.revoked:
            raise errors.already_processed("the certificate is revoked already")
        self.revoked[number] = (validity.now(), reason)
        self._publish_crl()

    def _publish_crl(self) -> None:
        wanted = self._crl_configuration()
        if wanted is None:
            return
        self.crl_number += 1
        days = wanted.get("ExpirationInDays", 7)
        content = crl.build(self.issuer, self.signing_key, self.crl_number, self.revoked, days)
        type(self).put_object(self.account_id, wanted["S3BucketName"], self._crl_object(), content)

    def install(self, certificate: bytes, chain: str | None) -> None:
        """ImportCertificateAuthorityCertificate. Moto keeps the chain as it came: base64 of PEM."""
        self.import_certificate_authority_certificate(certificate, chain.encode() if chain else None)
        installed = x509.load_pem_x509_certificate(certificate)
        if installed.public_key() != self.signing_key.public_key():
            self.certificate_bytes, self.status = b"", "PENDING_CERTIFICATE"
            raise errors.mismatch("the certificate is not for the key of this certificate authority")

    def _known(self, token: str) -> str | None:
        if len(token) > TOKEN_LENGTH:
            raise errors.validation(f"an idempotency token has at most {TOKEN_LENGTH} characters")
        at, arn = self._tokens.get(token, (float("-inf"), ""))
        return arn if time.monotonic() - at < TOKEN_SECONDS else None

    def _issuer(self) -> issuing.Issuer:
        return issuing.Issuer(
            name=self.issuer,
            key=self.signing_key,
            not_after=self._expires(),
            short_lived=self.usage_mode == "SHORT_LIVED_CERTIFICATE",
            crl_url=self._crl_url(),
        )

    def _expires(self) -> datetime | None:
        return self.certificate.not_valid_after_utc if self.certificate else None

    def _chain(self) -> str:
        """The authority's own certificate, then its issuers'."""
        own = self.certificate.public_bytes(serialization.Encoding.PEM) if self.certificate else b""
        above = base64.b64decode(self.certificate_chain) if self.certificate_chain else b""
        return (own + above).decode().strip()

    def _crl_configuration(self) -> dict[str, Any] | None:
        wanted = self.revocation_configuration.get("CrlConfiguration") or {}
        return wanted if wanted.get("Enabled") and wanted.get("S3BucketName") else None

    def _crl_object(self) -> str:
        return f"crl/{self.id}.crl"

    def _crl_url(self) -> str | None:
        wanted = self._crl_configuration()
        if wanted is None:
            return None
        host = wanted.get("CustomCname") or f"{wanted['S3BucketName']}.s3.{self.region_name}.amazonaws.com"
        return f"http://{host}/{self._crl_object()}"
