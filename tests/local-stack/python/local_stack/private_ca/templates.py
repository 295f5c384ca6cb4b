"""Certificate templates. https://docs.aws.amazon.com/privateca/latest/userguide/template-definitions.html

What a template defines wins over what the caller passes; subject and alternative names come from the CSR even in templates without
"passthrough" in their name.
"""

import re
from dataclasses import dataclass

from cryptography import x509
from cryptography.x509.oid import ExtendedKeyUsageOID

from local_stack.private_ca import errors

ARN = re.compile(r"arn:aws[a-z-]*:acm-pca:::template/(?P<base>[A-Za-z0-9]+(?:_PathLen[0-3])?)(?:_(?P<passes>[A-Za-z]+))?/V1")
DEFAULT = "arn:aws:acm-pca:::template/EndEntityCertificate/V1"

SERVER_AND_CLIENT = (ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH)
PURPOSES: dict[str, tuple[x509.ObjectIdentifier, ...]] = {
    "EndEntityCertificate": SERVER_AND_CLIENT,
    "EndEntityClientAuthCertificate": (ExtendedKeyUsageOID.CLIENT_AUTH,),
    "EndEntityServerAuthCertificate": (ExtendedKeyUsageOID.SERVER_AUTH,),
    "BlankEndEntityCertificate": (),
}
AUTHORITIES = ("RootCACertificate", "SubordinateCACertificate")
PASSES = ("", "APIPassthrough", "CSRPassthrough", "APICSRPassthrough")


@dataclass(frozen=True)
class Template:
    base: str
    passes_api: bool
    passes_csr: bool
    authority: bool
    path_length: int | None
    purposes: tuple[x509.ObjectIdentifier, ...]

    @property
    def root(self) -> bool:
        return self.base == "RootCACertificate"

    def basic_constraints(self) -> x509.BasicConstraints:
        return x509.BasicConstraints(ca=self.authority, path_length=self.path_length)

    def key_usage(self) -> x509.KeyUsage | None:
        """`None`: the template leaves it to the caller."""
        if self.base == "BlankEndEntityCertificate":
            return None
        return key_usage({"digital_signature", *(("key_cert_sign", "crl_sign") if self.authority else ("key_encipherment",))})


def key_usage(used: set[str]) -> x509.KeyUsage:
    names = ("digital_signature", "content_commitment", "key_encipherment", "data_encipherment", "key_agreement")
    more = ("key_cert_sign", "crl_sign", "encipher_only", "decipher_only")
    return x509.KeyUsage(**{name: name in used for name in (*names, *more)})


def template(arn: str | None) -> Template:
    named = ARN.fullmatch(arn or DEFAULT)
    if named is None or (named["passes"] or "") not in PASSES:
        raise errors.invalid_args(f"no template {arn}")
    base, _, path_length = named["base"].partition("_PathLen")
    if base not in PURPOSES and base not in AUTHORITIES:
        raise errors.invalid_args(f"no template {arn}")
    passes = named["passes"] or ""
    return Template(
        base=base,
        passes_api="API" in passes,
        passes_csr="CSR" in passes,
        authority=base in AUTHORITIES,
        path_length=int(path_length) if path_length else None,
        purposes=PURPOSES.get(base, ()),
    )
