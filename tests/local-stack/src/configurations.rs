//! Configurations in the stack's AppConfig, by plain HTTP: one SDK less.

use bytes::Bytes;
use http::{Method, Request, StatusCode};
use http_body_util::Full;
use serde_json::{Value, json};

use crate::account::Account;
use crate::stack::LocalStack;
use crate::wire::{self, WireError};

/// Why a configuration could not be made or deployed.
#[derive(Debug, thiserror::Error)]
pub enum ConfigurationError {
    #[error(transparent)]
    Wire(#[from] WireError),
    #[error("AppConfig answered {status} to {path}: {said}")]
    Refused { path: String, status: StatusCode, said: String },
    #[error("AppConfig's answer to {0} is not as expected")]
    Answer(String),
}

/// A configuration profile of the provider, in an environment of its own.
#[derive(Debug, Clone)]
pub struct Configuration {
    application: String,
    environment: String,
    profile: String,
    strategy: String,
}

impl LocalStack {
    /// Makes an application with an environment and a profile, all three of this name, to which nothing is deployed.
    pub async fn create_configuration(&self, name: &str) -> Result<Configuration, ConfigurationError> {
        let named = json!({"Name": name});
        let application = self.make("/applications", &named).await?;
        let environment = self.make(&format!("/applications/{application}/environments"), &named).await?;
        let profile = json!({"Name": name, "LocationUri": "hosted"});
        let profile = self.make(&format!("/applications/{application}/configurationprofiles"), &profile).await?;
        let at_once = json!({
            "Name": format!("{name}-at-once"), "DeploymentDurationInMinutes": 0, "GrowthFactor": 100.0,
            "FinalBakeTimeInMinutes": 0, "ReplicateTo": "NONE",
        });
        let strategy = self.make("/deploymentstrategies", &at_once).await?;
        Ok(Configuration { application, environment, profile, strategy })
    }

    /// Deploys a new version to everybody at once.
    pub async fn deploy_configuration(
        &self,
        to: &Configuration,
        label: &str,
        content_type: &str,
        content: &str,
    ) -> Result<(), ConfigurationError> {
        let Configuration { application, profile, .. } = to;
        let path = format!("/applications/{application}/configurationprofiles/{profile}/hostedconfigurationversions");
        let headers = [("content-type", content_type), ("versionlabel", label)];
        self.appconfig(Method::POST, &path, &headers, content.to_owned()).await?;
        let versions: Value = self.json(Method::GET, &path, "").await?;
        let numbers = versions
            .get("Items")
            .and_then(Value::as_array)
            .into_iter()
            .flatten()
            .filter_map(|item| item.get("VersionNumber")?.as_u64());
        let newest = numbers.max().ok_or_else(|| ConfigurationError::Answer(path.clone()))?;
        self.deploy_version(to, newest).await
    }

    /// Deploys a version that is there, as a console can.
    pub async fn deploy_version(&self, to: &Configuration, number: u64) -> Result<(), ConfigurationError> {
        let Configuration { application, environment, profile, strategy } = to;
        let path = format!("/applications/{application}/environments/{environment}/deployments");
        let deployment = json!({
            "DeploymentStrategyId": strategy, "ConfigurationProfileId": profile, "ConfigurationVersion": number.to_string(),
        });
        self.json(Method::POST, &path, &deployment.to_string()).await.map(drop)
    }

    /// Makes something and gives its id.
    async fn make(&self, path: &str, what: &Value) -> Result<String, ConfigurationError> {
        let made = self.json(Method::POST, path, &what.to_string()).await?;
        made.get("Id")
            .and_then(Value::as_str)
            .map(str::to_owned)
            .ok_or_else(|| ConfigurationError::Answer(path.to_owned()))
    }

    async fn json(&self, method: Method, path: &str, body: &str) -> Result<Value, ConfigurationError> {
        let said = self.appconfig(method, path, &[("content-type", "application/json")], body.to_owned()).await?;
        serde_json::from_slice(&said).map_err(|_| ConfigurationError::Answer(path.to_owned()))
    }

    async fn appconfig(
        &self,
        method: Method,
        path: &str,
        headers: &[(&str, &str)],
        body: String,
    ) -> Result<Bytes, ConfigurationError> {
        let authorization = Account::provider().authorization(self.region(), "appconfig");
        let mut request = Request::builder().method(method).uri(path).header("authorization", authorization);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let request = request.body(Full::from(body)).map_err(WireError::from)?;
        let (status, said) = wire::send(self.endpoint(), request).await?;
        if status.is_success() {
            return Ok(said);
        }
        let said = String::from_utf8_lossy(&said).into_owned();
        Err(ConfigurationError::Refused { path: path.to_owned(), status, said })
    }
}
