"""Certificate revocation lists (RFC 5280, section 5)."""

from datetime import datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization

from local_stack.private_ca.keys import PrivateKey
from local_stack.private_ca.validity import now

REASONS = {
    "UNSPECIFIED": x509.ReasonFlags.unspecified,
    "KEY_COMPROMISE": x509.ReasonFlags.key_compromise,
    "CERTIFICATE_AUTHORITY_COMPROMISE": x509.ReasonFlags.ca_compromise,
    "AFFILIATION_CHANGED": x509.ReasonFlags.affiliation_changed,
    "SUPERSEDED": x509.ReasonFlags.superseded,
    "CESSATION_OF_OPERATION": x509.ReasonFlags.cessation_of_operation,
    "PRIVILEGE_WITHDRAWN": x509.ReasonFlags.privilege_withdrawn,
    "A_A_COMPROMISE": x509.ReasonFlags.aa_compromise,
}

Revoked = dict[int, tuple[datetime, str]]
"""Serial number → when, and the API's word for why."""


def build(issuer: x509.Name, key: PrivateKey, number: int, revoked: Revoked, days: int) -> bytes:
    """DER. The caller keeps `number` growing."""
    this_update = now()
    builder = (
        x509.CertificateRevocationListBuilder()
        .issuer_name(issuer)
        .last_update(this_update)
        .next_update(this_update + timedelta(days=days))
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(key.public_key()), critical=False)
        .add_extension(x509.CRLNumber(number), critical=False)
    )
    for serial, (at, reason) in revoked.items():
        builder = builder.add_revoked_certificate(entry(serial, at, reason))
    return builder.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.DER)


def entry(serial: int, at: datetime, reason: str) -> x509.RevokedCertificate:
    builder = x509.RevokedCertificateBuilder().serial_number(serial).revocation_date(at)
    # RFC 5280, 5.3.1: unspecified is said by saying nothing.
    if reason != "UNSPECIFIED":
        builder = builder.add_extension(x509.CRLReason(REASONS[reason]), critical=False)
    return builder.build()
