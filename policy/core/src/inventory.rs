//! Which account owns which endpoint.

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::document::{self, DocumentError, Given, Keyed, Problem, Problems};
use crate::{AccountId, Format, ServiceId, VpcEndpointId};

/// Everything that is wrong with an endpoint inventory.
pub type InventoryError = DocumentError;

/// One endpoint. As JSON or YAML it has the fields of the file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", from = "Keyed<Fields>")]
#[schemars(with = "Fields")]
pub struct InventoryEntry {
    /// The endpoint.
    pub endpoint_id: VpcEndpointId,
    /// The account that owns it.
    pub account: AccountId,
    /// The endpoint service it connects to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub service_id: Option<ServiceId>,
    /// AWS's word for the state of the connection.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub state: Option<String>,
}

/// The endpoint inventory in force.
#[derive(Debug, Clone, Default)]
pub struct Inventory {
    accounts: HashMap<VpcEndpointId, AccountId>,
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct InventoryDocument {
    endpoints: Vec<InventoryEntry>,
}

#[derive(Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Fields {
    endpoint_id: VpcEndpointId,
    account: AccountId,
    #[serde(default)]
    service_id: Given<ServiceId>,
    #[serde(default)]
    state: Given<String>,
}

impl Inventory {
    /// Reads a document.
    ///
    /// # Errors
    /// Everything that is wrong with it, each with line and column.
    pub fn parse(bytes: &[u8], format: Format, name: &str) -> Result<Self, InventoryError> {
        document::read(bytes, format, name, |document: InventoryDocument| Self::build(document.endpoints))
    }

    fn build(entries: Vec<InventoryEntry>) -> Result<Self, Problems> {
        let mut problems = Problems::default();
        let mut accounts = HashMap::with_capacity(entries.len());
        for (index, InventoryEntry { endpoint_id, account, .. }) in entries.into_iter().enumerate() {
            match accounts.entry(endpoint_id) {
                Entry::Vacant(entry) => _ = entry.insert(account),
                Entry::Occupied(entry) => problems.push(|| {
                    let message = format!("`{}` has an entry already", entry.key());
                    Problem::in_value(format!("/endpoints/{index}/endpointId"), message)
                }),
            }
        }
        if problems.is_empty() { Ok(Self { accounts }) } else { Err(problems) }
    }

    /// An inventory of these endpoints; of two entries for one endpoint the later counts.
    #[must_use]
    pub fn from_entries(entries: impl IntoIterator<Item = InventoryEntry>) -> Self {
        Self { accounts: entries.into_iter().map(|entry| (entry.endpoint_id, entry.account)).collect() }
    }

    /// The account that owns the endpoint.
    #[must_use]
    pub fn account(&self, endpoint_id: &VpcEndpointId) -> Option<&AccountId> {
        self.accounts.get(endpoint_id)
    }

    /// How many endpoints there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.accounts.len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.accounts.is_empty()
    }
}

impl From<Keyed<Fields>> for InventoryEntry {
    fn from(Keyed(fields): Keyed<Fields>) -> Self {
        let Fields { endpoint_id, account, service_id, state } = fields;
        Self { endpoint_id, account, service_id: service_id.0, state: state.0 }
    }
}
