"""Organizations' ListParents, whose error for an account of another organization moto takes from DescribeAccount."""

from typing import Any

from moto.organizations.exceptions import AccountNotFoundException, OrganizationsClientError
from moto.organizations.models import OrganizationsBackend

from local_stack.extend import extend


class ChildNotFound(OrganizationsClientError):
    def __init__(self) -> None:
        super().__init__("ChildNotFoundException", "You specified a child that doesn't exist.")


def install() -> None:
    list_parents = OrganizationsBackend.list_parents

    def list_parents_of_a_child(backend: OrganizationsBackend, **asked: Any) -> dict[str, Any]:
        try:
            return list_parents(backend, **asked)
        except AccountNotFoundException as unknown:
            raise ChildNotFound from unknown

    extend(OrganizationsBackend, list_parents=list_parents_of_a_child)
