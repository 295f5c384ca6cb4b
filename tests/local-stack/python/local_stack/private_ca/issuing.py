"""From a request to a certificate: template over ApiPassthrough over CSR."""

import base64
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import serialization

from local_stack.private_ca import errors, passthrough, validity
from local_stack.private_ca.keys import PrivateKey, signing_hash
from local_stack.private_ca.templates import Template, template

SERIAL_BITS = 127  # positive in 16 bytes, as PCA's are


@dataclass
class Issuer:
    """What an issuance needs of its certificate authority."""

    name: x509.Name
    key: PrivateKey
    not_after: datetime | None
    short_lived: bool
    crl_url: str | None


@dataclass
class Issuance:
    template: Template
    certificate: x509.Certificate

    @property
    def pem(self) -> bytes:
        return self.certificate.public_bytes(serialization.Encoding.PEM)


def issue(issuer: Issuer, request: dict[str, Any]) -> Issuance:
    """`request` is the body of IssueCertificate."""
    form = template(request.get("TemplateArn"))
    csr = parse(request["Csr"])
    api = (request.get("ApiPassthrough") or {}) if form.passes_api else {}
    start, end = allowed_period(issuer, request)
    builder = (
        x509.CertificateBuilder()
        .subject_name(passthrough.subject(api.get("Subject")) or csr.subject)
        .issuer_name(issuer.name)
        .public_key(csr.public_key())
        .serial_number(x509.random_serial_number() >> (159 - SERIAL_BITS))
        .not_valid_before(start)
        .not_valid_after(end)
    )
    for extension, critical in extensions(issuer, form, csr, api.get("Extensions") or {}):
        builder = builder.add_extension(extension, critical)
    return Issuance(form, builder.sign(issuer.key, signing_hash(request["SigningAlgorithm"], issuer.key)))


def parse(encoded: str) -> x509.CertificateSigningRequest:
    try:
        csr = x509.load_pem_x509_csr(base64.b64decode(encoded))
    except ValueError as error:
        raise errors.malformed_csr("the CSR is no PEM of a certificate signing request") from error
    if not csr.is_signature_valid:
        raise errors.malformed_csr("the CSR's signature does not fit its key")
    return csr


def allowed_period(issuer: Issuer, request: dict[str, Any]) -> tuple[datetime, datetime]:
    start, end = validity.period(request["Validity"], request.get("ValidityNotBefore"))
    if issuer.not_after and end > issuer.not_after:
        raise errors.validation("the certificate would outlive its certificate authority")
    if issuer.short_lived and end - validity.now() > validity.SHORT_LIVED + timedelta(seconds=1):
        raise errors.validation("a short-lived certificate authority issues for 7 days at most")
    return start, end


def extensions(
    issuer: Issuer, form: Template, csr: x509.CertificateSigningRequest, api: dict[str, Any]
) -> list[tuple[x509.ExtensionType, bool]]:
    """Each with whether it is critical."""
    authority_key = x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer.key.public_key())
    found: list[tuple[x509.ExtensionType, bool]] = [
        (form.basic_constraints(), True),
        (authority_key, False),
        (x509.SubjectKeyIdentifier.from_public_key(csr.public_key()), False),
    ]
    if usage := form.key_usage() or passthrough.usages(api.get("KeyUsage")) or from_csr(form, csr, x509.KeyUsage):
        found.append((usage, True))
    if purposes := form.purposes or passthrough.purposes(api.get("ExtendedKeyUsage")):
        found.append((x509.ExtendedKeyUsage(purposes), False))
    names = passthrough.alternative_names(api.get("SubjectAlternativeNames"))
    if names := names or optional(csr, x509.SubjectAlternativeName):
        found.append((names, False))
    if issuer.crl_url and not form.root:
        uri = x509.UniformResourceIdentifier(issuer.crl_url)
        found.append((x509.CRLDistributionPoints([x509.DistributionPoint([uri], None, None, None)]), False))
    return found


def from_csr(form: Template, csr: x509.CertificateSigningRequest, kind: type[x509.ExtensionType]) -> Any:
    return optional(csr, kind) if form.passes_csr else None


def optional(csr: x509.CertificateSigningRequest, kind: type[x509.ExtensionType]) -> Any:
    try:
        return csr.extensions.get_extension_for_class(kind).value
    except x509.ExtensionNotFound:
        return None
