//! What a metric is; the table is in [`crate::metrics`].

/// A metric in the namespace `Linkward`, with `N` dimensions besides `Function`.
#[derive(Debug)]
pub struct Metric<const N: usize> {
    /// CloudWatch's name.
    pub name: &'static str,
    /// Of its values.
    pub unit: Unit,
    /// How values of one run come together.
    pub kind: Kind,
    /// Besides `Function`, which every metric has.
    pub dimensions: [Dimension; N],
    /// What it counts, for people.
    pub help: &'static str,
}

/// A line of the table.
#[derive(Clone, Copy, Debug)]
pub struct Row {
    /// CloudWatch's name.
    pub name: &'static str,
    /// Of its values.
    pub unit: Unit,
    /// How values of one run come together.
    pub kind: Kind,
    /// Besides `Function`, which every metric has.
    pub dimensions: &'static [Dimension],
    /// What it counts, for people.
    pub help: &'static str,
}

/// A unit of CloudWatch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    /// Things.
    Count,
    /// Time.
    Milliseconds,
    /// Longer times.
    Seconds,
}

/// How values of one run come together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// They are added; the sum over time says how many.
    Counter,
    /// The run saw so many; the latest value says how many there are.
    Gauge,
}

/// The dimensions there are. A caller's identity is none: it would cost without bound, and the caller chooses it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dimension {
    /// The function.
    Function,
    /// The endpoint service.
    Service,
    /// Accept, reject or hold.
    Verdict,
    /// From a closed list.
    Reason,
}

impl<const N: usize> Metric<N> {
    /// Its line of the table.
    #[must_use]
    pub const fn row(&'static self) -> Row {
        let Self { name, unit, kind, dimensions, help } = self;
        Row { name, unit: *unit, kind: *kind, dimensions, help }
    }
}

impl Dimension {
    /// CloudWatch's name.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Function => "Function",
            Self::Service => "Service",
            Self::Verdict => "Verdict",
            Self::Reason => "Reason",
        }
    }
}
