//! Distinguished names as text.

use std::fmt::Write;

use x509_parser::x509::{AttributeTypeAndValue, X509Name};

use super::hex;

/// A name as RFC 2253 writes it, last attribute first, everything but printable ASCII escaped: as OpenSSL prints it, and
/// Envoy, and fit for a header.
pub(crate) fn rfc2253(name: &X509Name<'_>) -> String {
    let relative_names: Vec<_> = name.iter_rdn().collect();
    let mut text = String::new();
    for (place, relative_name) in relative_names.into_iter().rev().enumerate() {
        for (position, attribute) in relative_name.iter().enumerate() {
            match (place, position) {
                (0, 0) => {}
                (_, 0) => text.push(','),
                _ => text.push('+'),
            }
            write_attribute(&mut text, attribute);
        }
    }
    text
}

fn write_attribute(text: &mut String, attribute: &AttributeTypeAndValue<'_>) {
    let oid = attribute.attr_type().to_id_string();
    let short = SHORT_NAMES.iter().find(|(id, _)| *id == oid);
    text.push_str(short.map_or(oid.as_str(), |(_, name)| name));
    text.push('=');
    match attribute.as_str() {
        Ok(value) => escape(text, value),
        Err(_) => {
            text.push('#');
            text.push_str(&hex(attribute.as_slice()));
        }
    }
}

const SHORT_NAMES: [(&str, &str); 9] = [
    ("2.5.4.3", "CN"),
    ("2.5.4.6", "C"),
    ("2.5.4.7", "L"),
    ("2.5.4.8", "ST"),
    ("2.5.4.10", "O"),
    ("2.5.4.11", "OU"),
    ("2.5.4.5", "serialNumber"),
    ("0.9.2342.19200300.100.1.25", "DC"),
    ("0.9.2342.19200300.100.1.1", "UID"),
];

fn escape(text: &mut String, value: &str) {
    let last = value.len().saturating_sub(1);
    for (at, byte) in value.bytes().enumerate() {
        let special = match byte {
            b',' | b'+' | b'"' | b'\\' | b'<' | b'>' | b';' => true,
            b'#' => at == 0,
            b' ' => at == 0 || at == last,
            _ => false,
        };
        match byte {
            b' '..=b'~' => {
                if special {
                    text.push('\\');
                }
                text.push(char::from(byte));
            }
            // Writing to a string cannot fail.
            _ => drop(write!(text, "\\{byte:02X}")),
        }
    }
}

#[cfg(test)]
mod tests {
    use rcgen::{CertificateParams, DistinguishedName, DnType, KeyPair};
    use x509_parser::prelude::{FromDer, X509Certificate};

    use super::*;

    fn printed(attributes: &[(DnType, &str)]) -> String {
        let mut params = CertificateParams::default();
        params.distinguished_name = DistinguishedName::new();
        for (kind, value) in attributes {
            params.distinguished_name.push(kind.clone(), *value);
        }
        let certificate = params.self_signed(&KeyPair::generate().unwrap()).unwrap();
        rfc2253(X509Certificate::from_der(certificate.der()).unwrap().1.subject())
    }

    #[test]
    fn the_last_attribute_comes_first() {
        let name = [(DnType::OrganizationName, "Example"), (DnType::CommonName, "svc.orders-api.prod")];
        assert_eq!(printed(&name), "CN=svc.orders-api.prod,O=Example");
        assert_eq!(printed(&[]), "");
    }

    #[test]
    fn nothing_in_a_name_can_end_it_or_a_header() {
        for (value, text) in [
            (r#"a,b+c"d\e<f>g;h"#, r#"CN=a\,b\+c\"d\\e\<f\>g\;h"#),
            (" a ", r"CN=\ a\ "),
            ("#a#", r"CN=\#a#"),
            ("a\r\nb", r"CN=a\0D\0Ab"),
            ("ä", r"CN=\C3\A4"),
            ("", "CN="),
        ] {
            assert_eq!(printed(&[(DnType::CommonName, value)]), text);
        }
    }

    #[test]
    fn an_attribute_without_a_short_name_keeps_its_number() {
        assert_eq!(printed(&[(DnType::CustomDnType(vec![1, 2, 3, 4]), "x")]), "1.2.3.4=x");
    }
}
