"""Keys and signatures by the names that ACM PCA gives them."""

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from local_stack.private_ca import errors

PrivateKey = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey
Hash = hashes.SHA256 | hashes.SHA384 | hashes.SHA512

CURVES: dict[str, type[ec.EllipticCurve]] = {
    "EC_prime256v1": ec.SECP256R1,
    "EC_secp384r1": ec.SECP384R1,
    "EC_secp521r1": ec.SECP521R1,
}
RSA_BITS = {"RSA_2048": 2048, "RSA_3072": 3072, "RSA_4096": 4096}
HASHES: dict[str, type[Hash]] = {"SHA256": hashes.SHA256, "SHA384": hashes.SHA384, "SHA512": hashes.SHA512}


def generate(algorithm: str) -> PrivateKey:
    if algorithm in CURVES:
        return ec.generate_private_key(CURVES[algorithm]())
    if algorithm in RSA_BITS:
        return rsa.generate_private_key(public_exponent=65537, key_size=RSA_BITS[algorithm])
    raise errors.invalid_args(f"KeyAlgorithm {algorithm} is not supported")


def signing_hash(algorithm: str, key: PrivateKey) -> Hash:
    """Of `SHA256WITHECDSA` and the like, whose family must be the key's."""
    digest, _, family = algorithm.partition("WITH")
    wanted = "ECDSA" if isinstance(key, ec.EllipticCurvePrivateKey) else "RSA"
    if digest not in HASHES or family != wanted:
        raise errors.invalid_args(f"SigningAlgorithm {algorithm} does not go with the key of the certificate authority")
    return HASHES[digest]()
