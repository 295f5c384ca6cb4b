//! The status page as people see it: in a browser, light and dark, at a desk and on a phone. `LINKWARD_SCREENSHOTS=DIR`
//! keeps the pictures.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::print_stderr,
    reason = "test code"
)]

mod support;

use flate2::read::ZlibDecoder;
use http_body_util::{BodyExt, Empty};
use hyper_util::rt::TokioIo;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::Output;
use std::time::Duration;
use support::authority::{CrlContent, TestCertificate};
use support::{ORDERS, POLICY, Runtime, STRANGER, Setup, upstream};
use tokio::net::TcpStream;
use tokio::process::Command;

const INVENTORY: &str = "endpoints:
  - { endpointId: vpce-0a1b2c3d4e5f60718, account: \"111111111111\" }
  - { endpointId: vpce-0b1b2c3d4e5f60718, account: \"222222222222\" }
";
/// The page's backgrounds, as its style says.
const LIGHT: [u8; 3] = [0xf6, 0xf7, 0xf9];
const DARK: [u8; 3] = [0x10, 0x13, 0x17];

/// A runtime to which everything happened that the page shows.
async fn eventful() -> Runtime {
    let (addr, _) = upstream::canned(upstream::OK).await;
    let setup = Setup::new().upstream(addr).deny_list().crl(&CrlContent::new(7, &[&[1], &[2], &[3]]));
    setup.write("endpoints.yaml", INVENTORY);
    setup.write("access.yaml", &format!("{POLICY}  - identity: spiffe://internal.example/prod/ledger\n"));
    let setup = setup
        .top("proxyProtocol: required\nendpoints: { source: \"file:endpoints.yaml\", refresh: 50ms, maxStaleness: 3s }")
        .top("telemetry: { accessLog: access.log, serviceName: invoices, metricsInterval: 1s }");
    let runtime = setup.start().await;
    let (orders, stranger) = (runtime.setup.caller(ORDERS), runtime.setup.caller(STRANGER));
    let ledger = runtime.setup.caller("spiffe://internal.example/prod/ledger");
    for round in 0..3 {
        get(&runtime, &orders, "vpce-0a1b2c3d4e5f60718", &format!("/v1/invoices/{round}"), 200).await;
        get(&runtime, &orders, "vpce-0b1b2c3d4e5f60718", "/v1/secret/\"&'", 403).await;
        get(&runtime, &stranger, "vpce-0a1b2c3d4e5f60718", "/v1/invoices", 403).await;
        get(
            &runtime,
            &ledger,
            "vpce-0b1b2c3d4e5f60718",
            "/v1/a-path-that-is-so-long-that-no-phone-can-show-it-in-one-line/and/goes/on/and/on",
            403,
        )
        .await;
        tokio::time::sleep(Duration::from_millis(1_050)).await;
    }
    let foreign = support::authority::TestAuthority::root("Foreign CA")
        .issue(&support::authority::CertificateContent::caller(&[ORDERS]));
    runtime.caller(&foreign).through("vpce-0a1b2c3d4e5f60718").refusal().await;
    runtime.setup.write("deny.yaml", "entries:\n  - { serialNumber: \"dead\" }\n");
    runtime.setup.write("access.yaml", &format!("{POLICY}  - identity: spiffe://internal.example/prod/returns\n"));
    runtime.until_metric("linkward_deny_list_propagation_seconds_count", 1.0).await;
    runtime.until_metric("linkward_policy_propagation_seconds_count", 1.0).await;
    runtime
}

async fn get(runtime: &Runtime, caller: &TestCertificate, endpoint: &str, path: &str, status: u16) {
    assert_eq!(runtime.caller(caller).through(endpoint).get(path).await.status, status, "{path}");
}

#[tokio::test]
async fn the_page_needs_nothing_from_elsewhere_and_says_everything() {
    let runtime = eventful().await;
    let stream = TokioIo::new(TcpStream::connect(runtime.admin).await.unwrap());
    let (mut sender, connection) = hyper::client::conn::http1::handshake(stream).await.unwrap();
    tokio::spawn(connection);
    let request = http::Request::get("/").header("host", "a").body(Empty::<bytes::Bytes>::new()).unwrap();
    let answer = sender.send_request(request).await.unwrap();
    let policy = answer.headers()["content-security-policy"].to_str().unwrap().to_owned();
    assert!(policy.starts_with("default-src 'none'; style-src 'sha256-") && !policy.contains("unsafe"), "{policy}");
    let page = String::from_utf8(answer.into_body().collect().await.unwrap().to_bytes().to_vec()).unwrap();
    written::check("page", &page);
    for never in
        ["<script", "javascript:", "http://", "https://", " src=", "style=", "url(", "@import", "BEGIN ", "PRIVATE"]
    {
        assert!(!page.contains(never), "{never}");
    }
    for says in [
        "http-equiv=refresh",
        "<svg",
        "One certificate, many users",
        "noMatchingCaller",
        "/v1/secret/&quot;&amp;&#39;",
        "trust anchor",
        "unknownIssuer",
        "revocation (deny list)",
        "number 0x7, 3 revoked",
        "Recent denials",
        "vpce-0b1b2c3d4e5f60718",
        "deny list",
    ] {
        assert!(page.contains(says), "{says} is not in {page}");
    }
    let status: serde_json::Value = serde_json::from_str(&runtime.admin("/status").await.1).unwrap();
    for propagation in ["policy", "denyList"] {
        let seconds = status["propagation"][propagation]["lastSeconds"].as_f64().unwrap();
        assert!((0.0..5.0).contains(&seconds), "{propagation}: {seconds}");
    }
    assert_eq!(status["crls"][0]["entries"], 3);
    assert_eq!(status["handshakes"]["failed"]["unknownIssuer"], 1);
    assert!(status["latencyHistory"].as_array().unwrap().len() >= 3);
    let callers: Vec<_> =
        status["callers"].as_array().unwrap().iter().map(|caller| caller["callerId"].as_str().unwrap()).collect();
    assert!(
        callers.contains(&ORDERS) && !callers.contains(&STRANGER),
        "strangers are the attacker's choice: {callers:?}"
    );
    let components = status["components"].as_array().unwrap();
    assert!(components.len() >= 9 && components.iter().all(|each| each["state"] != "bad"), "{components:?}");
}

#[tokio::test]
async fn a_browser_shows_it_light_and_dark_at_a_desk_and_on_a_phone() {
    let Some(browser) = browser() else {
        eprintln!("SKIPPED: no chromium in PATH: the status page was not looked at (apt-get install chromium)");
        return;
    };
    let runtime = eventful().await;
    let folder = tempfile::tempdir().unwrap();
    let kept = std::env::var_os("LINKWARD_SCREENSHOTS").map_or(folder.path().to_owned(), PathBuf::from);
    let url = format!("http://{}/", runtime.admin);
    desk(&browser, folder.path(), &kept, &url, "").await;
    phone(&browser, folder.path(), &kept, &runtime, "").await;
    // The inventory can no longer be read, and grows too old.
    runtime.setup.write("endpoints.yaml", "endpoints: []\nendpoint: none\n");
    while !runtime.admin("/").await.1.contains("class='mark bad'") {
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    desk(&browser, folder.path(), &kept, &url, "-stale").await;
    phone(&browser, folder.path(), &kept, &runtime, "-stale").await;
}

/// Of the page as the port gives it.
async fn desk(browser: &Path, folder: &Path, kept: &Path, url: &str, name: &str) {
    for (scheme, code, back) in [("light", 1, LIGHT), ("dark", 0, DARK)] {
        let picture = kept.join(format!("desktop-{scheme}{name}.png"));
        let colours = format!("--blink-settings=preferredColorScheme={code}");
        let looked = browse(browser, folder, &[&colours, "--window-size=1280,2700", &shot(&picture), url]).await;
        let said = String::from_utf8_lossy(&looked.stderr).into_owned();
        assert!(!said.contains("Content Security Policy") && !said.contains("CONSOLE"), "{said}");
        assert_eq!(first_pixel(&picture), back, "{scheme}");
    }
}

/// In a frame as wide as a phone: browsers' windows are not. The frame's page is what the port gave.
async fn phone(browser: &Path, folder: &Path, kept: &Path, runtime: &Runtime, name: &str) {
    let page = runtime.admin("/").await.1.replace("http-equiv=refresh content=5", "name=a");
    let frame = |scheme: &str| {
        let quoted = page.replace('&', "&amp;").replace('"', "&quot;");
        format!(
            "<!doctype html><html style='color-scheme:{scheme}'><body style='margin:0'><iframe id=f style='width:390px;height:5400px;border:0' srcdoc=\"{quoted}\"></iframe>\
                 <p id=o></p><script>onload=()=>{{let d=f.contentDocument.documentElement;o.textContent='width '+d.scrollWidth+' height '+d.scrollHeight}}</script>"
        )
    };
    for (scheme, code) in [("light", 1), ("dark", 0)] {
        let (file, picture) = (folder.join(format!("{scheme}.html")), kept.join(format!("phone-{scheme}{name}.png")));
        std::fs::write(&file, frame(scheme)).unwrap();
        let (url, colours) =
            (format!("file://{}", file.display()), format!("--blink-settings=preferredColorScheme={code}"));
        browse(browser, folder, &[&colours, "--window-size=500,5400", &shot(&picture), &url]).await;
        let looked = browse(browser, folder, &[&colours, "--window-size=500,5400", "--dump-dom", &url]).await;
        let document = String::from_utf8(looked.stdout).unwrap();
        assert!(
            document.contains("width 390 height"),
            "wider than the phone: {}",
            document.rsplit("<p id").next().unwrap()
        );
    }
}

fn browser() -> Option<PathBuf> {
    let folders: Vec<PathBuf> = std::env::split_paths(&std::env::var_os("PATH")?).collect();
    let names = ["chromium", "chromium-browser", "google-chrome"];
    names.iter().find_map(|name| folders.iter().map(|folder| folder.join(name)).find(|path| path.is_file()))
}

fn shot(picture: &Path) -> String {
    format!("--screenshot={}", picture.display())
}

async fn browse(browser: &Path, folder: &Path, arguments: &[&str]) -> Output {
    let profile = format!("--user-data-dir={}", folder.join("profile").display());
    let mut command = Command::new(browser);
    command.args(["--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking"]);
    command.args([
        "--hide-scrollbars",
        "--disable-dev-shm-usage",
        "--enable-logging=stderr",
        "--log-level=0",
        &profile,
    ]);
    command.args(arguments).env("HOME", folder).kill_on_drop(true);
    let output =
        tokio::time::timeout(Duration::from_secs(120), command.output()).await.expect("the browser is stuck").unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    output
}

/// Of a PNG: whatever the filter of its first line, nothing lies left of this pixel or above it.
fn first_pixel(picture: &Path) -> [u8; 3] {
    let file = std::fs::read(picture).unwrap();
    let (mut rest, mut packed) = (&file[8..], Vec::new());
    while rest.len() >= 12 {
        let length = u32::from_be_bytes(rest[..4].try_into().unwrap()) as usize;
        if &rest[4..8] == b"IDAT" {
            packed.extend_from_slice(&rest[8..8 + length]);
        }
        rest = &rest[12 + length..];
    }
    let mut pixel = [0; 4];
    ZlibDecoder::new(&packed[..]).read_exact(&mut pixel).unwrap();
    [pixel[1], pixel[2], pixel[3]]
}
