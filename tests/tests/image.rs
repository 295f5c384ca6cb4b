//! `infra/image`: the recipe, and that what its last stage holds is all that the runtime needs. No registry is asked: the base image's libraries are
//! taken from this machine, and nothing beside them.

#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "test code")]

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use local_stack::Progress;
use rcgen::{BasicConstraints, CertificateParams, IsCa, KeyPair};
use serde_json::Value;

/// Of `gcr.io/distroless/cc-debian12`, whatever the machine: Debian's `libc6` and `libgcc-s1`.
const IN_THE_BASE: [&str; 5] =
    ["ld-linux-x86-64.so.2", "ld-linux-aarch64.so.1", "libc.so.6", "libgcc_s.so.1", "libm.so.6"];
const NOBODY: &str = "65532:65532";

fn top() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_path_buf()
}

fn text(path: &str) -> String {
    std::fs::read_to_string(top().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// Instructions of a Dockerfile, each with its arguments; comments and continuations are gone.
fn instructions(dockerfile: &str) -> Vec<(String, String)> {
    let joined = dockerfile.replace("\\\n", " ");
    let lines = joined.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'));
    lines
        .map(|line| {
            let (word, arguments) = line.split_once(' ').unwrap();
            (word.to_owned(), arguments.split_whitespace().collect::<Vec<_>>().join(" "))
        })
        .collect()
}

#[test]
fn the_last_stage_is_the_binary_and_nobody() {
    let recipe = instructions(&text("infra/image/Dockerfile"));
    let last = recipe.iter().rposition(|(word, _)| word == "FROM").unwrap();
    let stage: Vec<_> = recipe[last..].iter().map(|(word, arguments)| (word.as_str(), arguments.as_str())).collect();
    assert_eq!(
        stage,
        [
            ("FROM", "${BASE}"),
            ("COPY", "--from=build /image/api-runtime /usr/local/bin/api-runtime"),
            ("USER", NOBODY),
            ("EXPOSE", "8443 8080"),
            ("STOPSIGNAL", "SIGTERM"),
            // In exec form: there is no shell to start it.
            ("ENTRYPOINT", r#"["/usr/local/bin/api-runtime"]"#),
        ]
    );
    let module = text("infra/modules/runtime/main.tf");
    assert!(module.contains(&format!("user       = \"{NOBODY}\"")), "the module runs it as somebody else");
}

#[test]
fn both_images_are_of_one_debian_and_the_builder_is_as_old_as_the_code_allows() {
    let recipe = instructions(&text("infra/image/Dockerfile"));
    let image = |name: &str| {
        let of = format!("{name}=");
        let argument = recipe.iter().find_map(|(word, said)| said.strip_prefix(&of).filter(|_| word == "ARG"));
        argument.unwrap_or_else(|| panic!("there is no ARG {name}")).to_owned()
    };
    assert_eq!(image("BASE"), "gcr.io/distroless/cc-debian12:nonroot");
    let manifest: toml::Table = text("Cargo.toml").parse().unwrap();
    let rust = manifest["workspace"]["package"]["rust-version"].as_str().unwrap();
    assert_eq!(image("BUILDER"), format!("docker.io/library/rust:{rust}-slim-bookworm"));
}

#[test]
fn no_key_and_nothing_that_was_built_reaches_the_builder() {
    let ignored = text("infra/image/Dockerfile.dockerignore");
    for pattern in ["**/target", ".git", "**/*.pem", "**/*.key"] {
        assert!(ignored.lines().any(|line| line == pattern), "{pattern}");
    }
}

/// The image's root as the recipe makes it: the binary, the base's libraries and root certificates; and as module runtime mounts it, `/run/linkward`.
struct Root {
    folder: tempfile::TempDir,
}

impl Root {
    fn of(binary: &Path) -> Self {
        let root = Self { folder: tempfile::tempdir().unwrap() };
        root.put("/usr/local/bin/api-runtime", &std::fs::read(binary).unwrap());
        let listed = Command::new("ldd").arg(binary).output().unwrap();
        for line in String::from_utf8(listed.stdout).unwrap().lines() {
            // `NAME => PATH (ADDRESS)`, or the loader's PATH alone; what has no path is the kernel's.
            let Some(path) = line.split_whitespace().find(|word| word.starts_with('/')) else { continue };
            let name = path.rsplit('/').next().unwrap();
            assert!(IN_THE_BASE.contains(&name), "the runtime needs {path}, which the base image does not hold");
            root.put(path, &std::fs::read(path).unwrap());
        }
        root.put(
            "/etc/ssl/certs/ca-certificates.crt",
            &std::fs::read("/etc/ssl/certs/ca-certificates.crt").unwrap_or_default(),
        );
        root
    }

    fn path(&self) -> PathBuf {
        self.folder.path().join("root")
    }

    /// Everybody may read and run it, nobody but root may write it.
    fn put(&self, path: &str, content: &[u8]) {
        use std::os::unix::fs::PermissionsExt as _;
        let file = self.path().join(path.trim_start_matches('/'));
        std::fs::create_dir_all(file.parent().unwrap()).unwrap();
        std::fs::write(&file, content).unwrap();
        std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o755)).unwrap();
    }

    fn configure(&self) -> String {
        let (key, root_key) = (KeyPair::generate().unwrap(), KeyPair::generate().unwrap());
        let own =
            CertificateParams::new(vec!["invoices.internal.example".to_owned()]).unwrap().self_signed(&key).unwrap();
        let mut root = CertificateParams::default();
        root.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        self.put("/run/linkward/server.crt", own.pem().as_bytes());
        self.put("/run/linkward/server.key", key.serialize_pem().as_bytes());
        self.put("/run/linkward/ca.crt", root.self_signed(&root_key).unwrap().pem().as_bytes());
        self.put(
            "/run/linkward/access.yaml",
            b"version: 1\ntrustDomain: internal.example\nendpoints: {}\ncallers: []\n",
        );
        "listen: 127.0.0.1:0\nadminListen: 127.0.0.1:0\n\
         tls: { certificateChain: /run/linkward/server.crt, privateKey: /run/linkward/server.key, clientTrustAnchors: /run/linkward/ca.crt }\n\
         identity: { trustDomain: internal.example }\npolicy: { source: \"file:/run/linkward/access.yaml\" }\n"
            .to_owned()
    }

    /// As nobody where that can be done, which takes root; as root of a namespace elsewhere.
    fn command(&self, program: &str) -> Command {
        let root = String::from_utf8(Command::new("id").arg("-u").output().unwrap().stdout).unwrap().trim() == "0";
        let mut command = Command::new(if root { "chroot" } else { "unshare" });
        command.args(if root {
            vec![format!("--userspec={NOBODY}")]
        } else {
            vec!["--map-root-user".to_owned(), "chroot".to_owned()]
        });
        // The path is where `chroot` is looked for.
        command
            .arg(self.path())
            .arg(program)
            .env_clear()
            .env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin")
            .stdin(Stdio::null());
        command
    }
}

/// Where it listens for operators, once it says so.
fn admin(child: &mut Child) -> String {
    let mut lines = BufReader::new(child.stderr.take().unwrap()).lines().map_while(Result::ok);
    let (mut said, mut kept) = (Vec::new(), written::Lines::of("api-runtime"));
    for line in lines.by_ref() {
        kept.keep(&line);
        if let Ok(line) = serde_json::from_str::<Value>(&line)
            && line["message"] == "listening"
        {
            // It must be able to go on talking.
            std::thread::spawn(move || lines.for_each(|line| kept.keep(&line)));
            return line["admin"].as_str().unwrap().to_owned();
        }
        said.push(line);
    }
    panic!("the runtime ended:\n{}", said.join("\n"));
}

fn health(address: &str) -> String {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
    stream.write_all(b"GET /health HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n").unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer.lines().next().unwrap_or_default().to_owned()
}

#[tokio::test]
async fn the_runtime_lives_on_what_the_image_holds() {
    let binaries = local_stack::build::binaries(&["api-runtime"], &Progress::default()).await.unwrap();
    let root = Root::of(&binaries["api-runtime"]);
    let configuration = root.configure();

    let checked = root
        .command("/usr/local/bin/api-runtime")
        .arg("--check")
        .env("LINKWARD_CONFIG", &configuration)
        .output()
        .unwrap();
    let checked = written::output("api-runtime", checked);
    assert!(checked.status.success(), "{}", String::from_utf8_lossy(&checked.stderr));

    let mut runtime = root.command("/usr/local/bin/api-runtime");
    runtime
        .env("LINKWARD_CONFIG", &configuration)
        .env("RUST_LOG", "info")
        .stdout(written::file("api-runtime"))
        .stderr(Stdio::piped());
    let mut child = runtime.spawn().unwrap();
    assert_eq!(health(&admin(&mut child)), "HTTP/1.1 200 OK");
    let id = child.id().to_string();
    assert!(Command::new("kill").args(["-TERM", &id]).status().unwrap().success());
    assert!(child.wait().unwrap().success(), "SIGTERM must end it in order");

    // And there is nothing else in it to be run.
    for shell in ["/bin/sh", "/bin/bash", "/busybox/sh"] {
        assert!(!root.command(shell).output().unwrap().status.success(), "{shell}");
    }
}

/// The recipe builds by what it counts while `pgo.py` asks, which asks nothing else than this.
#[tokio::test]
async fn the_training_of_the_build_is_answered_as_expected() {
    assert!(text("infra/image/Dockerfile").contains("python3 tests/bench/pgo.py"));
    if Command::new("openssl").arg("version").output().is_err() {
        eprintln!("SKIPPED: no openssl in PATH: the training was not tried (apt-get install openssl)");
        return;
    }
    let binaries = local_stack::build::binaries(&["api-runtime"], &Progress::default()).await.unwrap();
    let train = |binary: &Path| {
        let script = top().join("tests/bench/pgo.py");
        let trained = Command::new("python3").arg(script).args(["--requests", "1000", "--train"]).arg(binary).output();
        let trained = written::output("training", trained.unwrap());
        (trained.status.success(), String::from_utf8_lossy(&trained.stderr).into_owned())
    };
    let (answered, told) = train(&binaries["api-runtime"]);
    assert!(answered, "{told}");
    for life in ["answer: ", "forward: "] {
        assert!(told.lines().any(|line| line.starts_with(life) && line.ends_with(" 50 handshakes")), "{told}");
    }
    let (answered, told) = train(Path::new("/bin/false"));
    assert!(!answered && told.contains("api-runtime does not listen"), "{told}");
}
