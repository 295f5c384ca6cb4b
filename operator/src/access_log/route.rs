//! Many paths, one route.

/// The path with a hole wherever a segment looks like the name of one thing among many: a number, a UUID, a hash, or a
/// word with digits in it, but not a version such as `v1`. A rough guess, for counting; it decides nothing.
pub(crate) fn route(path: &str) -> String {
    let segments = path.split('/').map(|segment| if is_one_of_many(segment) { "{id}" } else { segment });
    segments.collect::<Vec<_>>().join("/")
}

fn is_one_of_many(segment: &str) -> bool {
    let is_version = || segment.strip_prefix('v').is_some_and(|rest| rest.len() <= 2 && is_number(rest));
    segment.len() > 40 || (segment.bytes().any(|byte| byte.is_ascii_digit()) && !is_version())
}

fn is_number(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_things_become_holes() {
        for (path, expected) in [
            ("/", "/"),
            ("/v1/invoices", "/v1/invoices"),
            ("/v1/invoices/42", "/v1/invoices/{id}"),
            ("/v1/invoices/42/lines/", "/v1/invoices/{id}/lines/"),
            ("/v12/a/7f9c24e8-3b12-4fef-91b0-0d2b1f6a3c11", "/v12/a/{id}"),
            ("/v1/invoices/secret", "/v1/invoices/secret"),
        ] {
            assert_eq!(route(path), expected);
        }
    }
}
