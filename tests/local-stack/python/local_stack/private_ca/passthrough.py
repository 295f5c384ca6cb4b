"""`ApiPassthrough`: what the caller of IssueCertificate puts into the certificate, in the shapes of the API."""

import ipaddress
import re
from typing import Any

from cryptography import x509
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID, ObjectIdentifier

from local_stack.private_ca import errors
from local_stack.private_ca.templates import key_usage

SUBJECT = {
    "Country": NameOID.COUNTRY_NAME,
    "State": NameOID.STATE_OR_PROVINCE_NAME,
    "Locality": NameOID.LOCALITY_NAME,
    "Organization": NameOID.ORGANIZATION_NAME,
    "OrganizationalUnit": NameOID.ORGANIZATIONAL_UNIT_NAME,
    "CommonName": NameOID.COMMON_NAME,
    "SerialNumber": NameOID.SERIAL_NUMBER,
}
KEY_USAGES = {
    "DigitalSignature": "digital_signature",
    "NonRepudiation": "content_commitment",
    "KeyEncipherment": "key_encipherment",
    "DataEncipherment": "data_encipherment",
    "KeyAgreement": "key_agreement",
    "KeyCertSign": "key_cert_sign",
    "CRLSign": "crl_sign",
    "EncipherOnly": "encipher_only",
    "DecipherOnly": "decipher_only",
}


def subject(given: dict[str, Any] | None) -> x509.Name | None:
    if not given:
        return None
    return x509.Name([x509.NameAttribute(oid, given[name]) for name, oid in SUBJECT.items() if given.get(name)])


def alternative_names(given: list[dict[str, Any]] | None) -> x509.SubjectAlternativeName | None:
    return x509.SubjectAlternativeName([general_name(name) for name in given]) if given else None


def general_name(given: dict[str, Any]) -> x509.GeneralName:
    """A union: one kind in each."""
    match given:
        case {"UniformResourceIdentifier": uri}:
            return x509.UniformResourceIdentifier(uri)
        case {"DnsName": name}:
            return x509.DNSName(name)
        case {"IpAddress": address}:
            return x509.IPAddress(ipaddress.ip_address(address))
        case {"Rfc822Name": mail}:
            return x509.RFC822Name(mail)
    raise errors.invalid_args(f"the general name {given} is not supported")


def usages(given: dict[str, bool] | None) -> x509.KeyUsage | None:
    return key_usage({KEY_USAGES[name] for name, used in given.items() if used}) if given else None


def purposes(given: list[dict[str, str]] | None) -> tuple[ObjectIdentifier, ...]:
    return tuple(purpose(each) for each in given or ())


def purpose(given: dict[str, str]) -> ObjectIdentifier:
    if "ExtendedKeyUsageObjectIdentifier" in given:
        return ObjectIdentifier(given["ExtendedKeyUsageObjectIdentifier"])
    name = given.get("ExtendedKeyUsageType", "")
    known = getattr(ExtendedKeyUsageOID, name, None)
    if not re.fullmatch(r"[A-Z_]+", name) or known is None:
        raise errors.invalid_args(f"the extended key usage {given} is not supported")
    return known
