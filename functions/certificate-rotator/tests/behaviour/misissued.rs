//! A certificate that is not what was asked for is revoked, written down, and never used.

use crate::stage::{FIRST, SECOND, STEPS, Stage};
use crate::world::Misissue;

#[test]
fn whatever_differs_is_found() {
    for (misissue, says) in [
        (Misissue::OtherName, "the certificate names `URI:spiffe://internal.example/prod/admin`"),
        (Misissue::OneMoreName, "was asked for"),
        (Misissue::BothUsages, "extended key usage is not clientAuth alone"),
        (Misissue::OtherKey, "for another key"),
        (Misissue::Longer, "is valid from"),
        (Misissue::OtherIssuer, "issuer is not the first certificate of its chain"),
        (Misissue::Authority, "certificate authority"),
    ] {
        let stage = Stage::new();
        {
            let mut state = stage.world.state();
            state.secrets.begin(FIRST);
            state.authority.misissue = Some(misissue);
        }
        for _ in 0..2 {
            let (word, message) = stage.failure(STEPS[0], FIRST);
            assert_eq!((word, message.contains(says)), ("certificateMismatch", true), "{misissue:?}: {message}");
            assert_eq!(stage.failure(STEPS[3], FIRST).0, "notPending", "{misissue:?}");
        }
        let mut state = stage.world.state();
        assert_eq!((state.authority.issued.len(), state.authority.revoked.len()), (1, 1), "{misissue:?}");
        assert_eq!(state.rows["ab001"]["orphan"]["BOOL"], true, "{misissue:?}");
        assert_eq!(state.secrets.with("AWSCURRENT"), None, "{misissue:?}");
        state.authority.misissue = None;
        drop(state);
        stage.world.state().secrets.begin(SECOND);
        assert_eq!(stage.failure(STEPS[0], SECOND).0, "tooFast", "an authority that errs is not asked in a loop");
        stage.an_hour_passes();
        stage.rotate(SECOND);
        let state = stage.world.state();
        assert_eq!(
            (state.authority.issued.len(), state.authority.revoked.len()),
            (2, 1),
            "a later rotation begins anew"
        );
    }
}
