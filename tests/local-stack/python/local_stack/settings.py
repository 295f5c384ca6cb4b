"""What a test may change while the stack runs."""

from dataclasses import dataclass


@dataclass
class Settings:
    region: str
    provider: str
    """`http://127.0.0.1:PORT` of ministack."""
    ministack: str
    """How long an accepted connection is `pending`."""
    pending_seconds: float
    """How long GetCertificate answers RequestInProgressException."""
    issuance_seconds: float
    """The most connections a page holds, whatever MaxResults asks for."""
    page_size: int
    """The provider's bus that consumers forward CreateVpcEndpoint to; empty: none does."""
    cloudtrail_bus: str
    """Whether connection notifications are published."""
    connection_notifications: bool

    def change(self, changes: dict[str, object]) -> None:
        for name, value in changes.items():
            if name not in self.__dataclass_fields__:
                raise KeyError(f"no setting `{name}`")
            setattr(self, name, value)
