//! However a value is spelt, it is one value; printing and reading it agree.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "test code")]

use std::fmt::{Debug, Display};
use std::str::FromStr;

use policy::{
    AccountId, IdentityPattern, Method, MethodSet, OrganizationalUnitId, PathTemplate, Region, RequestPath, RuleId,
    SerialNumber, ServiceId, SpiffeId, TrustDomain, VpcEndpointId,
};
use proptest::prelude::*;
use serde::Serialize;
use serde::de::DeserializeOwned;

fn config() -> ProptestConfig {
    ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(1000) }
}

/// What is read prints as something that reads as the same, through serde too.
fn agrees<T>(text: &str)
where
    T: FromStr<Err: Debug> + Display + Debug + PartialEq + Serialize + DeserializeOwned,
{
    let value: T = text.parse().expect(text);
    let printed = value.to_string();
    assert_eq!(printed.parse::<T>().unwrap(), value);
    let json = serde_json::to_string(&value).unwrap();
    assert_eq!(json, serde_json::to_string(&printed).unwrap());
    assert_eq!(serde_json::from_str::<T>(&json).unwrap(), value);
}

/// Nothing makes it panic, and what it takes agrees with itself.
fn agrees_if_read<T>(text: &str)
where
    T: FromStr<Err: Debug + Display> + Display + Debug + PartialEq + Serialize + DeserializeOwned,
{
    match text.parse::<T>() {
        Ok(_) => agrees::<T>(text),
        Err(error) => assert!(!error.to_string().is_empty()),
    }
}

fn all_agree_if_read(text: &str) {
    agrees_if_read::<AccountId>(text);
    agrees_if_read::<IdentityPattern>(text);
    agrees_if_read::<Method>(text);
    agrees_if_read::<OrganizationalUnitId>(text);
    agrees_if_read::<PathTemplate>(text);
    agrees_if_read::<Region>(text);
    agrees_if_read::<RuleId>(text);
    agrees_if_read::<SerialNumber>(text);
    agrees_if_read::<ServiceId>(text);
    agrees_if_read::<SpiffeId>(text);
    agrees_if_read::<TrustDomain>(text);
    agrees_if_read::<VpcEndpointId>(text);
}

/// A piece of a path: a character as it is, or an escape.
#[derive(Debug, Clone)]
enum Piece {
    Plain(char),
    Escape(String),
}

fn pieces() -> impl Strategy<Value = Vec<Piece>> {
    let plain = prop_oneof![
        4 => proptest::sample::select(vec!['a', 'Z', '7', '-', '_', '~']).prop_map(Piece::Plain),
        4 => proptest::sample::select(vec!['/', '.']).prop_map(Piece::Plain),
        1 => proptest::sample::select(vec![':', ';', '@', '+', '=', '{', '*', '\\', ' ', '?', 'é', '\0']).prop_map(Piece::Plain),
    ];
    let escapes = [
        "%20", "%41", "%2e", "%2E", "%3a", "%3A", "%c3%a9", "%C3%A9", "%25", "%7e", "%2f", "%5C", "%00", "%ff", "%!",
        "%4!", "%zz",
    ];
    let escape = proptest::sample::select(escapes.to_vec()).prop_map(|escape| Piece::Escape(escape.to_owned()));
    proptest::collection::vec(prop_oneof![9 => plain, 2 => escape], 0..12)
}

/// The path; each unreserved character whose turn in `choices` says so is spelt as an escape.
fn spell(pieces: &[Piece], choices: &[bool]) -> String {
    let mut path = "/".to_owned();
    for (piece, is_escaped) in pieces.iter().zip(choices.iter().cycle()) {
        match piece {
            Piece::Plain(c) if *is_escaped && (c.is_ascii_alphanumeric() || "-._~".contains(*c)) => {
                path.push_str(&format!("%{:02x}", u32::from(*c)));
            }
            Piece::Plain(c) => path.push(*c),
            Piece::Escape(escape) => path.push_str(escape),
        }
    }
    path
}

fn normal(path: &str) -> Option<String> {
    RequestPath::parse(path).ok().map(|path| path.as_str().to_owned())
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn printing_and_reading_agree(
        account in "[0-9]{12}", digits in "[0-9a-f]{1,20}", serial in "[0-9A-Fa-f]{1,4}(:[0-9A-Fa-f]{1,2}){0,20}",
        domain in "[a-z0-9._-]{1,20}", path in "(/[A-Za-z0-9_-][A-Za-z0-9._-]{0,8}){1,4}", method in "[A-Z]{1,8}(-[A-Z]{1,4})?",
        template in "(/([a-z0-9:;@.]{0,3}[a-z]|%20|\\{[a-z]{1,3}\\})){1,4}(/|/\\{\\*rest\\})?", id in "\\PC{1,40}",
        region in "[a-z]{2}(-[a-z]{2,5}){1,2}-[0-9]{1,2}", unit in "ou-[0-9a-z]{4,8}-[0-9a-z]{8,12}",
    ) {
        agrees::<AccountId>(&account);
        agrees::<VpcEndpointId>(&format!("vpce-{digits}"));
        agrees::<ServiceId>(&format!("vpce-svc-{digits}"));
        agrees::<SerialNumber>(&serial);
        agrees::<TrustDomain>(&domain);
        agrees::<SpiffeId>(&format!("spiffe://{domain}{path}"));
        agrees::<IdentityPattern>(&format!("spiffe://{domain}{path}"));
        agrees::<IdentityPattern>(&format!("spiffe://{domain}{path}/*"));
        agrees::<Method>(&method);
        agrees::<RuleId>(&id);
        agrees::<Region>(&region);
        agrees::<OrganizationalUnitId>(&unit);
        // A path parameter may come out before a colon or star, so not every one of these is a template.
        agrees_if_read::<PathTemplate>(&template);
    }

    #[test]
    fn nothing_makes_a_type_panic(
        any in any::<String>(),
        near in "(spiffe://|vpce-|vpce-svc-|ou-|/|)[a-zA-Z0-9.:/{}*%_é-]{0,20}",
    ) {
        all_agree_if_read(&any);
        all_agree_if_read(&near);
    }

    #[test]
    fn a_serial_number_is_its_bytes(bytes in proptest::collection::vec(any::<u8>(), 1..24)) {
        let spelt = bytes.iter().map(|byte| format!("{byte:02X}")).collect::<Vec<_>>().join(":");
        let serial: SerialNumber = spelt.parse().unwrap();
        prop_assert_eq!(&serial, &SerialNumber::from_be_bytes(&bytes));
        prop_assert!(serial.as_str() == "0" || !serial.as_str().starts_with('0'));
    }

    #[test]
    fn a_set_of_methods_holds_those_it_prints(
        methods in proptest::collection::btree_set("GET|PUT|POST|LOCK|M-SEARCH|TRACE", 1..6),
    ) {
        let set: MethodSet = methods.iter().map(|method| method.parse::<Method>().unwrap()).collect();
        let printed: std::collections::BTreeSet<String> = set.to_string().split(',').map(str::to_owned).collect();
        prop_assert_eq!(&printed, &methods);
        for method in ["GET", "PUT", "POST", "LOCK", "M-SEARCH", "TRACE", "PATCH", "QUERY", "get"] {
            prop_assert_eq!(set.contains(method), methods.contains(method));
        }
    }

    #[test]
    fn a_normal_path_is_its_own_normal_form(pieces in pieces(), any in any::<String>()) {
        for raw in [spell(&pieces, &[false]), format!("/{any}")] {
            if let Some(once) = normal(&raw) {
                prop_assert_eq!(normal(&once), Some(once.clone()));
                prop_assert!(once.starts_with('/') && !once.contains("//") && !once.contains('\\') && once.is_ascii());
                prop_assert!(once.split('/').all(|segment| segment != "." && segment != ".."));
            }
        }
    }

    /// So that no spelling gets around a rule, and none of what is refused gets through in another.
    #[test]
    fn how_unreserved_characters_are_spelt_makes_no_difference(
        pieces in pieces(),
        choices in proptest::collection::vec(any::<bool>(), 1..12),
    ) {
        prop_assert_eq!(normal(&spell(&pieces, &choices)), normal(&spell(&pieces, &[false])));
    }

    #[test]
    fn a_template_fits_as_its_segments_say(
        template in "(/(a|b|\\{x\\})){0,3}(/|/\\{\\*rest\\}|/a)",
        path in "(/(a|b|c)){0,4}(/|/a)",
    ) {
        let (template, path) = (template.parse::<PathTemplate>().unwrap(), RequestPath::parse(&path).unwrap());
        let segments = |text: &str| text.split('/').skip(1).map(str::to_owned).collect::<Vec<_>>();
        let expected = fits(&segments(template.as_str()), &segments(path.as_str()));
        prop_assert_eq!(template.matches(&path), expected);
        prop_assert_eq!(template.matches_as_read(&path), expected);
        // An upstream that cuts parameters off would read the same path.
        let with_parameters = path.as_str().replace("a", "a;b=c").replace("b/", "b;/");
        prop_assert_eq!(template.matches_as_read(&RequestPath::parse(&with_parameters).unwrap()), expected);
    }
}

/// What a template means, written for reading.
fn fits(template: &[String], path: &[String]) -> bool {
    match (template, path) {
        ([], []) => true,
        ([tail], [_, ..]) if tail == "{*rest}" => true,
        ([first, template @ ..], [segment, path @ ..]) => {
            (first == segment || (first == "{x}" && !segment.is_empty())) && fits(template, path)
        }
        _ => false,
    }
}
