"""The service's errors, by name."""

from moto.core.exceptions import JsonRESTError


def invalid_args(message: str) -> JsonRESTError:
    return JsonRESTError("InvalidArgsException", message)


def invalid_request(message: str) -> JsonRESTError:
    return JsonRESTError("InvalidRequestException", message)


def invalid_state(message: str) -> JsonRESTError:
    return JsonRESTError("InvalidStateException", message)


def malformed_csr(message: str) -> JsonRESTError:
    return JsonRESTError("MalformedCSRException", message)


def not_found(message: str) -> JsonRESTError:
    return JsonRESTError("ResourceNotFoundException", message)


def in_progress(message: str) -> JsonRESTError:
    return JsonRESTError("RequestInProgressException", message)


def already_processed(message: str) -> JsonRESTError:
    return JsonRESTError("RequestAlreadyProcessedException", message)


def mismatch(message: str) -> JsonRESTError:
    return JsonRESTError("CertificateMismatchException", message)


def validation(message: str) -> JsonRESTError:
    return JsonRESTError("ValidationException", message)
