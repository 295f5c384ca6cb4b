use std::process::ExitCode;

use certificate_rotator::{App, Configuration, FUNCTION, handle};
use lambda_runtime::{Error, LambdaEvent, service_fn};

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    telemetry::program(FUNCTION, Configuration::read, async |configuration| -> Result<(), Error> {
        let app = App::new(configuration, &telemetry::sdk_config()?);
        lambda_runtime::run(service_fn(|event: LambdaEvent<_>| handle(&app, event))).await
    })
    .await
}
