//! Organizations' side: the organizational units above an account.

use std::collections::HashMap;

use aws_sdk_organizations::Client;
use aws_sdk_organizations::types::{Parent, ParentType};
use policy::AccountId;
use telemetry::{CallError, Deadline};

/// Organizations allows five levels of units below the root; more is no tree.
const MOST_LEVELS: usize = 16;
/// The account is in no organization of ours, which is an answer.
const NOT_FOUND: &str = "ChildNotFoundException";

/// Organizations. Its calls are for the organization's management account and its delegated administrators only.
#[derive(Debug)]
pub(crate) struct Organization {
    client: Client,
}

/// The parents of units seen in one run; none is the root.
pub(crate) type Tree = HashMap<String, Option<String>>;

impl Organization {
    pub(crate) fn new(client: Client) -> Self {
        Self { client }
    }

    /// The units above an account, the nearest first; none for an account of another organization.
    pub(crate) async fn units_above(
        &self,
        account: &AccountId,
        tree: &mut Tree,
        by: Deadline,
    ) -> Result<Vec<String>, CallError> {
        let mut above = match self.parent(account.as_str(), by).await {
            Err(error) if error.code == NOT_FOUND => return Ok(Vec::new()),
            other => other?,
        };
        let mut units = Vec::new();
        while let Some(unit) = above {
            if units.len() == MOST_LEVELS {
                let message = format!("more than {MOST_LEVELS} organizational units are above account {account}");
                return Err(CallError { code: "badAnswer".to_owned(), message });
            }
            above = match tree.get(&unit) {
                Some(known) => known.clone(),
                None => {
                    let parent = self.parent(&unit, by).await?;
                    tree.insert(unit.clone(), parent.clone());
                    parent
                }
            };
            units.push(unit);
        }
        Ok(units)
    }

    /// The unit above a unit or an account; none below the root.
    async fn parent(&self, child: &str, by: Deadline) -> Result<Option<String>, CallError> {
        // Organizations may answer with an empty page and a token.
        let pages = self.client.list_parents().child_id(child).into_paginator().send();
        let pages: Vec<_> = by.call(pages.collect::<Result<_, _>>()).await?;
        let parents: Vec<Parent> = pages.into_iter().flat_map(|page| page.parents.unwrap_or_default()).collect();
        let parent = parents.first().and_then(|parent| Some((parent.r#type()?, parent.id()?)));
        match parent {
            Some((ParentType::Root, _)) => Ok(None),
            Some((ParentType::OrganizationalUnit, id)) => Ok(Some(id.to_owned())),
            _ => {
                let message = format!("ListParents of `{child}` gave no root and no organizational unit: {parents:?}");
                Err(CallError { code: "badAnswer".to_owned(), message })
            }
        }
    }
}
