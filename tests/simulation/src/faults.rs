//! What goes wrong with a call.

use wire_replay::{Answer, Call, Reaction};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    Throttle,
    ServerError,
    Busy,
    LostBefore,
    LostAfter,
    CrashBefore,
    CrashAfter,
}

impl Fault {
    /// In so many of a hundred calls something goes wrong.
    pub(crate) fn draw(rng: &mut fastrand::Rng, percent: u8) -> Option<Self> {
        if rng.u8(..100) >= percent {
            return None;
        }
        let all = [
            Self::Throttle,
            Self::Throttle,
            Self::ServerError,
            Self::Busy,
            Self::LostBefore,
            Self::LostAfter,
            Self::CrashBefore,
            Self::CrashAfter,
        ];
        rng.choice(all)
    }

    /// Whether the call arrives.
    pub(crate) fn is_after(self) -> bool {
        matches!(self, Self::LostAfter | Self::CrashAfter)
    }

    pub(crate) fn is_crash(self) -> bool {
        matches!(self, Self::CrashBefore | Self::CrashAfter)
    }

    pub(crate) fn reaction(self, call: &Call) -> Reaction {
        let xml = call.action().starts_with("ec2:");
        match self {
            Self::Throttle if xml => Reaction::Answer(Answer::xml_error(503, "RequestLimitExceeded")),
            Self::Throttle => Reaction::Answer(Answer::json_error(400, "ThrottlingException")),
            Self::ServerError if xml => Reaction::Answer(Answer::xml_error(500, "InternalError")),
            Self::ServerError => Reaction::Answer(Answer::json_error(500, "InternalServerError")),
            Self::Busy if call.operation == "RevokeCertificate" => {
                Reaction::Answer(Answer::json_error(400, "ConcurrentModificationException"))
            }
            Self::Busy | Self::LostBefore | Self::LostAfter => Reaction::Lost,
            Self::CrashBefore | Self::CrashAfter => Reaction::Never,
        }
    }
}
