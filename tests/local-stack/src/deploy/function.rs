//! Lambda functions.

use std::collections::HashMap;
use std::fs::File;
use std::io::{self, Cursor, Seek, Write};
use std::path::Path;

use aws_sdk_lambda::primitives::Blob;
use aws_sdk_lambda::types::{Environment, FunctionCode, Runtime};
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipWriter};

use super::{DeployError, aws, missing};
use crate::stack::LocalStack;

/// The bucket that function packages are uploaded to: inline they would have to be base64.
const PACKAGES: &str = "function-packages";
/// Seconds. The functions plan their work within it.
const TIMEOUT: i32 = 60;
/// Lambda sets these itself and refuses them from elsewhere.
const RESERVED: [&str; 5] =
    ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_REGION", "AWS_DEFAULT_REGION"];

/// A `provided.al2023` function from a binary, which becomes its `bootstrap`; returns its ARN. Of `env`, what Lambda sets itself is
/// left out.
pub async fn lambda(
    stack: &LocalStack,
    name: &str,
    binary: &Path,
    env: &[(String, String)],
) -> Result<String, DeployError> {
    let key = format!("{name}.zip");
    stack.create_bucket(PACKAGES).await?;
    stack.put_object(PACKAGES, &key, package(binary)?).await?;
    let variables: HashMap<_, _> = env.iter().filter(|(name, _)| !RESERVED.contains(&name.as_str())).cloned().collect();
    let client = aws_sdk_lambda::Client::new(&stack.sdk_config(&stack.provider()).await);
    let what = format!("the function `{name}`");
    let function = client
        .create_function()
        .function_name(name)
        .runtime(Runtime::Providedal2023)
        .handler("bootstrap")
        .role(format!("arn:aws:iam::{}:role/{name}", stack.provider()))
        .timeout(TIMEOUT)
        .code(FunctionCode::builder().s3_bucket(PACKAGES).s3_key(key).build())
        .environment(Environment::builder().set_variables(Some(variables)).build())
        .send()
        .await
        .map_err(aws(&what))?;
    function.function_arn.ok_or_else(|| missing(what, "ARN"))
}

/// A zip with the binary as an executable `bootstrap`. Stored, not deflated: it travels over loopback only.
fn package(binary: &Path) -> Result<Vec<u8>, DeployError> {
    let unreadable = |source| DeployError::Binary { path: binary.to_owned(), source };
    let mut file = File::open(binary).map_err(unreadable)?;
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    let packed = pack(&mut zip, &mut file).and_then(|()| zip.finish());
    let packed = packed.map_err(|source| DeployError::Zip { path: binary.to_owned(), source })?;
    Ok(packed.into_inner())
}

fn pack<W: Write + Seek>(zip: &mut ZipWriter<W>, binary: &mut File) -> zip::result::ZipResult<()> {
    let options = SimpleFileOptions::default().compression_method(CompressionMethod::Stored).unix_permissions(0o755);
    zip.start_file("bootstrap", options)?;
    io::copy(binary, zip)?;
    Ok(())
}

/// Invokes a function and waits for its answer; an invocation that failed is an error with what it said.
pub async fn invoke(stack: &LocalStack, name: &str, event: &str) -> Result<String, DeployError> {
    let client = aws_sdk_lambda::Client::new(&stack.sdk_config(&stack.provider()).await);
    let what = format!("an invocation of `{name}`");
    let answer = client.invoke().function_name(name).payload(Blob::new(event)).send().await.map_err(aws(&what))?;
    let said = String::from_utf8_lossy(answer.payload().map_or(&[], AsRef::as_ref)).into_owned();
    match answer.function_error() {
        None => Ok(said),
        Some(_) => Err(DeployError::Aws { what, cause: said }),
    }
}
