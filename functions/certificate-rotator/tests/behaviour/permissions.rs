//! What the function may do is what it does.

use wire_replay::Permissions;

use crate::stage::{FIRST, SECOND, STEPS, Stage};
use crate::world::Misissue;

#[test]
fn every_call_is_allowed_and_every_permission_used() {
    let stage = Stage::new();
    stage.rotate(FIRST);
    stage.an_hour_passes();
    // An orphan: it is revoked.
    stage.world.state().authority.misissue = Some(Misissue::Longer);
    stage.world.state().secrets.begin(SECOND);
    stage.failure(STEPS[0], SECOND);
    // The authority writes its CRL with the rights of whoever revokes.
    let for_us = ["s3:PutObject", "s3:PutObjectAcl"];
    Permissions::of(certificate_rotator::FUNCTION).are_all_used(&stage.actions(), &for_us);
}
