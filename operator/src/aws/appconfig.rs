//! AppConfig's control plane: what is where, by name or id.
//! <https://docs.aws.amazon.com/appconfig/2019-10-09/APIReference/API_Operations_Amazon_AppConfig.html>

use anyhow::bail;
use http::Method;
use policy_source::AppConfigProfile;
use serde_json::Value;

use super::signed::{APPCONFIG, Rest, Signed};

/// A profile by its ids.
#[derive(Debug)]
pub(crate) struct Place {
    pub(crate) application: String,
    pub(crate) environment: String,
    pub(crate) profile: String,
}

/// The ids of what is named, or is an id already.
pub(crate) async fn find(signed: &Signed, to: &AppConfigProfile) -> anyhow::Result<Place> {
    let application = id(signed, "ListApplications", "/applications", &to.application).await?;
    let below = |kind: &str| format!("/applications/{application}/{kind}");
    let environment = id(signed, "ListEnvironments", &below("environments"), &to.environment).await?;
    let profile = id(signed, "ListConfigurationProfiles", &below("configurationprofiles"), &to.profile).await?;
    Ok(Place { application, environment, profile })
}

/// The id of what has this name or id.
pub(crate) async fn id(signed: &Signed, action: &str, path: &str, wanted: &str) -> anyhow::Result<String> {
    let items = list(signed, action, path).await?;
    let text = |item: &Value, name: &str| item.get(name).and_then(Value::as_str).map(str::to_owned);
    let found: Vec<String> = items
        .iter()
        .filter(|item| [text(item, "Id"), text(item, "Name")].iter().flatten().any(|name| name == wanted))
        .filter_map(|item| text(item, "Id"))
        .collect();
    match found.as_slice() {
        [id] => Ok(id.clone()),
        [] => bail!("{action}: AppConfig has no `{wanted}` in this account and Region"),
        _ => bail!("{action}: `{wanted}` names {} of them; give the id", found.len()),
    }
}

/// All pages of a list.
pub(crate) async fn list(signed: &Signed, action: &str, path: &str) -> anyhow::Result<Vec<Value>> {
    let (mut items, mut token) = (Vec::new(), None::<String>);
    loop {
        let next = token
            .map(|token| form_urlencoded::Serializer::new("&".to_owned()).append_pair("next_token", &token).finish());
        let path = format!("{path}?max_results=50{}", next.unwrap_or_default());
        let mut page = signed.json(&APPCONFIG, get(action, &path)).await?;
        items.extend(page.get_mut("Items").and_then(Value::as_array_mut).map(std::mem::take).unwrap_or_default());
        token = page.get("NextToken").and_then(Value::as_str).map(str::to_owned);
        if token.is_none() {
            return Ok(items);
        }
    }
}

pub(crate) fn get<'a>(action: &'a str, path: &'a str) -> Rest<'a> {
    Rest { action, method: Method::GET, path, headers: &[], body: Vec::new() }
}

/// The environment's deployments of this profile.
pub(crate) async fn deployments(signed: &Signed, place: &Place) -> anyhow::Result<Vec<Value>> {
    let Place { application, environment, .. } = place;
    let path = format!("/applications/{application}/environments/{environment}/deployments");
    list(signed, "ListDeployments", &path).await
}
