"""A Private CA that does what AWS documents; moto's signs RSA alone and reads little of what it is asked."""

from local_stack.peer import Peer
from local_stack.private_ca import api
from local_stack.settings import Settings


def install(settings: Settings, peer: Peer) -> None:
    """Extends moto's ACM PCA in place."""
    api.install(settings, peer)
