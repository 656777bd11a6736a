//! Records of figures: structures whose fields are columns, each with its documentation, which becomes that of the
//! formats (docs/measuring.md).

use serde::{Deserialize, Serialize};
use sim::figures::Spread;

/// One cell of a table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Cell {
    /// A number.
    Number(u64),
    /// A text.
    Text(String),
    /// Nothing to say.
    Empty,
}

/// What can stand in a field of a record: one column or several.
pub trait Columns {
    /// Calls `each` with the name and the value of each column; `name` is the field's.
    fn columns(&self, name: &str, each: &mut dyn FnMut(&str, Cell));
}

impl Columns for u64 {
    fn columns(&self, name: &str, each: &mut dyn FnMut(&str, Cell)) {
        each(name, Cell::Number(*self));
    }
}
impl Columns for Option<u64> {
    fn columns(&self, name: &str, each: &mut dyn FnMut(&str, Cell)) {
        each(name, self.map_or(Cell::Empty, Cell::Number));
    }
}
impl Columns for String {
    fn columns(&self, name: &str, each: &mut dyn FnMut(&str, Cell)) {
        each(name, Cell::Text(self.clone()));
    }
}

/// How a quantity is spread. Percentiles are right within one part in a hundred; the rest is exact.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Percentiles {
    /// Number of values.
    pub count: u64,
    /// The smallest.
    pub min: u64,
    /// Their mean.
    pub mean: u64,
    /// The median.
    pub p50: u64,
    /// 90 % are not above it.
    pub p90: u64,
    /// 95 % are not above it.
    pub p95: u64,
    /// 99 % are not above it.
    pub p99: u64,
    /// 99.9 % are not above it.
    pub p999: u64,
    /// The largest.
    pub max: u64,
}

impl From<&Spread> for Percentiles {
    fn from(spread: &Spread) -> Percentiles {
        Percentiles {
            count: spread.count(),
            min: spread.min(),
            mean: spread.mean(),
            p50: spread.quantile(500_000),
            p90: spread.quantile(900_000),
            p95: spread.quantile(950_000),
            p99: spread.quantile(990_000),
            p999: spread.quantile(999_000),
            max: spread.max(),
        }
    }
}
impl Columns for Percentiles {
    fn columns(&self, name: &str, each: &mut dyn FnMut(&str, Cell)) {
        let all = [
            ("count", self.count),
            ("min", self.min),
            ("mean", self.mean),
            ("p50", self.p50),
            ("p90", self.p90),
            ("p95", self.p95),
            ("p99", self.p99),
            ("p999", self.p999),
            ("max", self.max),
        ];
        for (what, value) in all {
            let cell = if self.count == 0 && what != "count" { Cell::Empty } else { Cell::Number(value) };
            each(&format!("{name}_{what}"), cell);
        }
    }
}

/// A line of a file of figures.
pub trait Record: Serialize {
    /// What `type` says in JSON.
    const TYPE: &'static str;
    /// What it is, in words.
    const DOC: &'static [&'static str];
    /// Its fields, each with its documentation.
    const FIELDS: &'static [(&'static str, &'static [&'static str])];
    /// Calls `each` with the name and the value of each column, in order.
    fn cells(&self, each: &mut dyn FnMut(&str, Cell));
}

/// Makes a structure that is a record.
macro_rules! record {
    ($kind:literal, $(#[doc = $doc:literal])* pub struct $name:ident {
        $($(#[doc = $fdoc:literal])* $field:ident: $type:ty,)*
    }) => {
        $(#[doc = $doc])*
        #[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
        pub struct $name {
            $($(#[doc = $fdoc])* pub $field: $type,)*
        }
        impl $crate::figures::record::Record for $name {
            const TYPE: &'static str = $kind;
            const DOC: &'static [&'static str] = &[$($doc),*];
            const FIELDS: &'static [(&'static str, &'static [&'static str])] =
                &[$((stringify!($field), &[$($fdoc),*])),*];
            fn cells(&self, each: &mut dyn FnMut(&str, $crate::figures::record::Cell)) {
                $($crate::figures::record::Columns::columns(&self.$field, stringify!($field), each);)*
            }
        }
    };
}
pub(crate) use record;
