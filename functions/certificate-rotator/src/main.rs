use std::process::ExitCode;

use certificate_rotator::{App, Configuration, FUNCTION, handle};
use lambda_runtime::Error;

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    telemetry::program(FUNCTION, Configuration::read, async |configuration| -> Result<(), Error> {
        let client = telemetry::http_client()?;
        let app = App::new(configuration, &telemetry::sdk_config(client.clone()));
        Ok(telemetry::serve(client, async |event| handle(&app, event).await).await?)
    })
    .await
}
