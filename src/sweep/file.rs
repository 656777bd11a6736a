//! A sweep file as it is typed.

use std::fmt;
use std::ops::Deref;

use ron::value::RawValue;
use serde::de::value::SeqAccessDeserializer;
use serde::de::{self, MapAccess, SeqAccess, Visitor};
use serde::ser::SerializeMap;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::scenario::file::OneOrMany;
use crate::scenario::file::table::described;
use crate::scenario::units::Span;

described! {
    /// A sweep: a scenario, what varies in it, and what is kept of each run.
    pub struct Sweep {
        /// What it is about, in one line.
        about: String = "nothing", "\"CUBIC and BBR over loss\"";
        /// The scenario: the name of its file, seen from the folder of this one, or the scenario itself in parentheses.
        scenario: Literal, "\"dumbbell.ron\"";
        /// Changes that hold in all runs: values by path, as `--set` takes them.
        set: Ordered<Literal> = "none", "{ \"until\": \"20s\" }";
        /// What varies, by name. All values of one axis meet all values of the others; the last axis changes fastest.
        axes: Ordered<Axis> = "none", "{ \"loss\": (set: \"links.a-b.loss\", values: [\"0%\", \"1%\"]) }";
        /// Seeds of the runs of each combination: the first and the last of a range, or a list.
        seeds: Option<Seeds> = "the scenario's own", "\"1..30\"";
        /// What happens before this time is not counted.
        warmup: Option<Span> = "0s", "\"2s\"";
        /// Combinations that are left out: values by axis; what is not named may be anything.
        exclude: Vec<Ordered<Literal>> = "none", "[{ \"loss\": \"1%\" }]";
        /// The figures that are kept of each run, by name.
        figures: Vec<String> = "those of the whole run", "[\"events\", \"packets\"]";
    }
}

described! {
    /// What varies.
    pub struct Axis {
        /// Where its values go: a path as `--set` takes it, or several that get the same value.
        set: OneOrMany<String>, "\"links.a-b.loss\"";
        /// Its values: a list, or the first and the last of a range in equal steps (`by`) or by a factor (`times`).
        values: Literal, "\"10ms..50ms by 10ms\"";
        /// What the values are called in tables and plots.
        names: Vec<String> = "as they are typed", "[\"none\", \"some\"]";
        /// The axis that this one goes along with: its first value with the first of that, and so on.
        with: Option<String> = "none: it is crossed with the others", "\"rate\"";
    }
}

/// Any value, as it is typed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Literal(pub String);
impl Serialize for Literal {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        RawValue::from_ron(&self.0).map_err(serde::ser::Error::custom)?.serialize(serializer)
    }
}
impl<'de> Deserialize<'de> for Literal {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Literal, D::Error> {
        let raw = Box::<RawValue>::deserialize(deserializer)?;
        Ok(Literal(raw.trim().get_ron().to_owned()))
    }
}

/// Things by name, in the order in which they are typed; two of the same name are an error.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ordered<T>(pub Vec<(String, T)>);
impl<T> Default for Ordered<T> {
    fn default() -> Ordered<T> {
        Ordered(Vec::new())
    }
}
impl<T> Deref for Ordered<T> {
    type Target = [(String, T)];
    fn deref(&self) -> &[(String, T)] {
        &self.0
    }
}
impl<T: Serialize> Serialize for Ordered<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.len()))?;
        self.iter().try_for_each(|(name, value)| map.serialize_entry(name, value))?;
        map.end()
    }
}
impl<'de, T: Deserialize<'de>> Deserialize<'de> for Ordered<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Ordered<T>, D::Error> {
        struct Names<T>(std::marker::PhantomData<T>);
        impl<'de, T: Deserialize<'de>> Visitor<'de> for Names<T> {
            type Value = Ordered<T>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("names in braces: { \"name\": ... }")
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Ordered<T>, A::Error> {
                let mut all: Vec<(String, T)> = Vec::new();
                while let Some(name) = map.next_key::<String>()? {
                    if all.iter().any(|(other, _)| *other == name) {
                        return Err(de::Error::custom(format!("the name `{name}` is there twice")));
                    }
                    all.push((name, map.next_value()?));
                }
                Ok(Ordered(all))
            }
        }
        deserializer.deserialize_map(Names(std::marker::PhantomData))
    }
}

/// Seeds: `"1..30"`, both of which count, or `[1, 7, 12]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Seeds {
    /// From the first to the last.
    Range(u64, u64),
    /// These.
    Listed(Vec<u64>),
}

/// More runs of one combination than anybody has asked for.
const MOST_SEEDS: u64 = 1_000_000;

impl Seeds {
    /// All of them, in order.
    pub fn all(&self) -> Vec<u64> {
        match self {
            Seeds::Range(first, last) => (*first..=*last).collect(),
            Seeds::Listed(seeds) => seeds.clone(),
        }
    }
}
impl fmt::Display for Seeds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Seeds::Range(first, last) => write!(f, "{first}..{last}"),
            Seeds::Listed(seeds) => {
                let words: Vec<String> = seeds.iter().map(u64::to_string).collect();
                f.write_str(&words.join(", "))
            }
        }
    }
}
impl Serialize for Seeds {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Seeds::Range(..) => serializer.collect_str(self),
            Seeds::Listed(seeds) => seeds.serialize(serializer),
        }
    }
}
impl<'de> Deserialize<'de> for Seeds {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Seeds, D::Error> {
        struct Either;
        impl<'de> Visitor<'de> for Either {
            type Value = Seeds;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a range of seeds such as \"1..30\", or a list such as [1, 2, 3]")
            }
            fn visit_str<E: de::Error>(self, text: &str) -> Result<Seeds, E> {
                range(text).map_err(E::custom)
            }
            fn visit_seq<A: SeqAccess<'de>>(self, seq: A) -> Result<Seeds, A::Error> {
                let seeds = Vec::<u64>::deserialize(SeqAccessDeserializer::new(seq))?;
                if seeds.is_empty() {
                    return Err(de::Error::custom("no seed, no run: there must be one at least"));
                }
                let mut sorted = seeds.clone();
                sorted.sort_unstable();
                match sorted.windows(2).find(|pair| pair[0] == pair[1]) {
                    Some(pair) => Err(de::Error::custom(format!("the seed {} is there twice", pair[0]))),
                    None => Ok(Seeds::Listed(seeds)),
                }
            }
        }
        deserializer.deserialize_any(Either)
    }
}

fn range(text: &str) -> Result<Seeds, String> {
    let ends = text.split_once("..").and_then(|(first, last)| {
        let last = last.strip_prefix('=').unwrap_or(last);
        Some((first.trim().parse::<u64>().ok()?, last.trim().parse::<u64>().ok()?))
    });
    match ends {
        None => Err(format!("`{text}` is not a range of seeds, such as \"1..30\"")),
        Some((first, last)) if last < first => {
            Err(format!("the range `{text}` is empty: it begins behind its end"))
        }
        Some((first, last)) if last - first >= MOST_SEEDS => Err(format!(
            "the range `{text}` has {} seeds; {MOST_SEEDS} are the most",
            u128::from(last - first) + 1
        )),
        Some((first, last)) => Ok(Seeds::Range(first, last)),
    }
}
