use std::io::Cursor;

use proptest::prelude::*;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpListener;

use super::*;

/// As a Network Load Balancer sent it.
fn golden() -> Vec<u8> {
    let mut bytes = hex(concat!(
        "0d0a0d0a000d0a515549540a21110054ac1f0771ac1f0a1fc8f20050030004e8d6892dea001701",
        "767063652d3038643262663135666163353030316339040024"
    ));
    bytes.resize(100, 0);
    bytes
}

fn hex(digits: &str) -> Vec<u8> {
    (0..digits.len()).step_by(2).map(|at| u8::from_str_radix(&digits[at..at + 2], 16).unwrap()).collect()
}

/// A header of our own making, its length right.
fn header(command: u8, family: u8, rest: &[u8]) -> Vec<u8> {
    let length = u16::try_from(rest.len()).unwrap().to_be_bytes();
    [&SIGNATURE[..], &[command, family], &length, rest].concat()
}

fn part(kind: u8, value: &[u8]) -> Vec<u8> {
    [&[kind][..], &u16::try_from(value.len()).unwrap().to_be_bytes(), value].concat()
}

const ADDRESSES: [u8; 12] = [192, 0, 2, 7, 10, 0, 0, 1, 0x30, 0x39, 0x01, 0xbb];

fn ipv4(parts: &[Vec<u8>]) -> Vec<u8> {
    header(0x21, 0x11, &[&ADDRESSES[..], &parts.concat()].concat())
}

fn refusal(bytes: &[u8]) -> String {
    parse(bytes).unwrap_err().to_string()
}

#[test]
fn the_header_of_a_real_balancer_is_read() {
    let origin = Origin {
        source: Some("172.31.7.113:51442".parse().unwrap()),
        endpoint: Some("vpce-08d2bf15fac5001c9".parse().unwrap()),
    };
    assert_eq!(parse(&golden()).unwrap(), Header::Proxied(origin));
}

#[test]
fn a_changed_bit_anywhere_is_refused() {
    for place in 0..golden().len() {
        for bit in 0..8 {
            let mut bytes = golden();
            bytes[place] ^= 1 << bit;
            let refused = !matches!(parse(&bytes), Ok(Header::Proxied(_)));
            // Without its type the checksum is a part nobody knows, and nothing is checked.
            assert!(refused || place == 28, "byte {place} bit {bit}");
        }
    }
}

#[tokio::test]
async fn a_header_cut_anywhere_is_refused_and_nothing_after_it_is_read() {
    let bytes = golden();
    for place in 0..bytes.len() {
        let error = read(&mut Cursor::new(&bytes[..place])).await.unwrap_err();
        assert!(matches!(error, ProxyError::Closed(_)), "{place}: {error}");
    }
    let mut stream = Cursor::new([&bytes[..], b"\x16\x03\x01"].concat());
    read(&mut stream).await.unwrap();
    assert_eq!(stream.position(), 100);
}

#[test]
fn addresses_of_both_families_are_read() {
    let of = |bytes: &[u8]| match parse(bytes).unwrap() {
        Header::Proxied(Origin { source, endpoint }) => (source.map(|source| source.to_string()), endpoint),
        Header::Local => panic!("not a LOCAL header"),
    };
    assert_eq!(of(&ipv4(&[])), (Some("192.0.2.7:12345".to_owned()), None));
    let mut ipv6 = [0; 36];
    ipv6[..4].copy_from_slice(&[0x20, 0x01, 0x0d, 0xb8]);
    ipv6[15] = 1;
    ipv6[33] = 80;
    assert_eq!(of(&header(0x21, 0x21, &ipv6)), (Some("[2001:db8::1]:80".to_owned()), None));
    assert_eq!(of(&header(0x21, 0x00, &[])), (None, None));
}

#[test]
fn parts_we_do_not_know_are_passed_over() {
    let parts =
        [part(0x01, b"h2"), part(AWS, &[0x02, 1]), part(AWS, b"\x01vpce-0a"), part(0x04, &[0; 9]), part(AWS, &[])];
    let Header::Proxied(origin) = parse(&ipv4(&parts)).unwrap() else { panic!("not LOCAL") };
    assert_eq!(origin.endpoint, Some("vpce-0a".parse().unwrap()));
}

#[test]
fn what_is_ambiguous_or_false_is_refused() {
    let endpoint = part(AWS, b"\x01vpce-0a");
    let truncated = [&ADDRESSES[..], &[AWS, 0, 9, 1]].concat();
    for (bytes, says) in [
        (ipv4(&[endpoint.clone(), endpoint]), "twice"),
        (ipv4(&[part(AWS, b"\x01vpce-")]), "endpoint id"),
        (ipv4(&[part(AWS, b"\x01vpce-0A\r\n")]), "endpoint id"),
        (ipv4(&[part(CRC32C, &[0; 4])]), "checksum"),
        (ipv4(&[part(CRC32C, &[0; 3])]), "checksum"),
        (header(0x21, 0x11, &truncated), "shorter"),
        (header(0x21, 0x11, &ADDRESSES[..11]), "shorter"),
        (header(0x21, 0x21, &ADDRESSES), "shorter"),
        (header(0x21, 0x11, &[&ADDRESSES[..], &[0]].concat()), "shorter"),
        (header(0x21, 0x12, &ADDRESSES), "family 0x12"),
        (header(0x21, 0x31, &[0; 216]), "family 0x31"),
        (header(0x22, 0x11, &ADDRESSES), "command 0x22"),
        (header(0x11, 0x11, &ADDRESSES), "command 0x11"),
        (header(0x21, 0x11, &[0; 5000]), "at most 4096"),
        (b"PROXY TCP4 192.0.2.7 10.0.0.1 12345 443\r\n".to_vec(), "does not begin"),
    ] {
        assert!(refusal(&bytes).contains(says), "{says}: {}", refusal(&bytes));
    }
}

/// Both ends of a connection on which a caller has sent these bytes.
async fn sent(bytes: &[u8]) -> (TcpStream, TcpStream) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let mut caller = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
    caller.write_all(bytes).await.unwrap();
    (listener.accept().await.unwrap().0, caller)
}

#[tokio::test]
async fn a_callers_connection_is_one_header_and_then_tls() {
    let tls = b"\x16\x03\x01";
    let local = header(0x20, 0x00, &[]);
    let (mut stream, _caller) = sent(&[&golden()[..], tls].concat()).await;
    assert!(read_required(&mut stream).await.unwrap().endpoint.is_some());
    let mut rest = [0; 3];
    stream.read_exact(&mut rest).await.unwrap();
    assert_eq!(&rest, tls);
    for (bytes, says) in [
        ([&golden()[..], &golden()].concat(), "not TLS"),
        ([&golden()[..], b"GET / HTTP/1.1\r\n"].concat(), "not TLS"),
        ([&local[..], tls].concat(), "LOCAL"),
        ([&header(0x21, 0x00, &[])[..], tls].concat(), "family 0x00"),
        (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03 no header".to_vec(), "does not begin"),
    ] {
        let (mut stream, _caller) = sent(&bytes).await;
        let error = read_required(&mut stream).await.unwrap_err().to_string();
        assert!(error.contains(says), "{says}: {error}");
    }
    let (mut stream, caller) = sent(&golden()).await;
    drop(caller);
    assert!(read_required(&mut stream).await.is_err());
}

#[tokio::test]
async fn a_health_check_may_begin_with_a_header() {
    let request = b"GET /health HTTP/1.1\r\n\r\n";
    for before in [Vec::new(), golden(), header(0x20, 0x00, &[]), header(0x20, 0x00, &part(CRC32C, &[0; 4]))] {
        let (mut stream, _caller) = sent(&[&before[..], request].concat()).await;
        read_optional(&mut stream).await.unwrap();
        let mut rest = [0; 24];
        stream.read_exact(&mut rest).await.unwrap();
        assert_eq!(&rest, request);
    }
    let (mut stream, _caller) = sent(b"\r\n\r\nGET /health HTTP/1.1\r\n").await;
    assert!(read_optional(&mut stream).await.is_err());
}

proptest! {
    #[test]
    fn no_bytes_make_it_panic(bytes: Vec<u8>) {
        let _ = parse(&bytes);
    }

    #[test]
    fn no_parts_make_it_panic(command in 0x20_u8..0x22, family in prop::sample::select(vec![0, 0x11, 0x21]), rest: Vec<u8>) {
        let _ = parse(&header(command, family, &rest));
    }

    #[test]
    fn what_an_endpoint_is_called_is_what_is_read(digits in "[0-9a-f]{1,32}", port: u16) {
        let mut addresses = ADDRESSES;
        addresses[8..10].copy_from_slice(&port.to_be_bytes());
        let id = format!("vpce-{digits}");
        let rest = [&addresses[..], &part(AWS, format!("\x01{id}").as_bytes())].concat();
        let origin = Origin { source: Some(SocketAddr::from(([192, 0, 2, 7], port))), endpoint: Some(id.parse().unwrap()) };
        prop_assert_eq!(parse(&header(0x21, 0x11, &rest)).unwrap(), Header::Proxied(origin));
    }
}
