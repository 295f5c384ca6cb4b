//! The host that a request names, in `Host`, in `:authority` or in an absolute form.

/// Whether it is a name or an address in brackets, and perhaps a port (RFC 3986 §3.2.2); no user information, no list, no
/// escapes. What is no host to one reader and one to another is none here.
pub(crate) fn is_host(text: &[u8]) -> bool {
    let Some(address) = text.strip_prefix(b"[") else {
        return match cut(text, b':') {
            Some((name, port)) => is_name(name) && is_port(port),
            None => is_name(text),
        };
    };
    cut(address, b']').is_some_and(|(address, after)| {
        is_address(address) && (after.is_empty() || after.strip_prefix(b":").is_some_and(is_port))
    })
}

fn cut(text: &[u8], at: u8) -> Option<(&[u8], &[u8])> {
    let place = text.iter().position(|byte| *byte == at)?;
    Some((text.get(..place)?, text.get(place + 1..)?))
}

fn is_name(text: &[u8]) -> bool {
    !text.is_empty() && text.iter().all(|byte| byte.is_ascii_alphanumeric() || b"-._~".contains(byte))
}

fn is_address(text: &[u8]) -> bool {
    text.contains(&b':') && text.iter().all(|byte| byte.is_ascii_hexdigit() || b":.".contains(byte))
}

/// Of which there may be none after the colon.
fn is_port(text: &[u8]) -> bool {
    text.len() <= 5 && text.iter().all(u8::is_ascii_digit)
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::uri::Authority;
    use proptest::prelude::*;

    #[test]
    fn a_host_can_be_read_in_one_way_only() {
        for host in ["a", "API.internal", "a:8443", "a:", "192.0.2.1:80", "[2001:db8::1]", "[::1]:443", "_a~b-c"] {
            assert!(is_host(host.as_bytes()), "{host}");
        }
        for text in [
            "",
            ":",
            ":80",
            "a:b",
            "a:80:80",
            "a:b:c",
            "::1",
            "2001:db8::1",
            "[",
            "[]",
            "[a",
            "[a]",
            "a]",
            "[::1",
            "[::1]a",
            "[::1]:x",
            "[::1%25eth0]",
            "a%41",
            "user@a",
            "a,b",
            "a b",
            "a/b",
            "a?",
            "a\u{e9}",
            "a:123456",
        ] {
            assert!(!is_host(text.as_bytes()), "{text}");
        }
    }

    proptest! {
        /// So that it can become the authority of a request in HTTP/2.
        #[test]
        fn every_host_is_an_authority(text in "[a-c0-9:.%\\[\\]_~-]{1,9}") {
            prop_assert!(!is_host(text.as_bytes()) || Authority::try_from(text.as_bytes()).is_ok(), "{}", text);
        }
    }
}
