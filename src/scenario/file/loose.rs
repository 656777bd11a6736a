//! Forms that accept more than one way of writing: one or many, a number or a range, `None` as a value.

use std::collections::BTreeMap;
use std::fmt;
use std::marker::PhantomData;
use std::ops::{Deref, DerefMut};

use serde::de::value::SeqAccessDeserializer;
use serde::de::{self, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A field for which "none" is a value of its own, different from not being there: `connect_timeout: None`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Maybe<T> {
    /// Not typed: the default.
    #[default]
    Unset,
    /// `None`.
    None,
    /// A value.
    Some(T),
}
impl<T: Clone> Maybe<T> {
    /// Sets `target` if this says anything.
    pub fn apply<U>(&self, target: &mut Option<U>, convert: impl FnOnce(T) -> U) {
        match self {
            Maybe::Unset => {}
            Maybe::None => *target = None,
            Maybe::Some(value) => *target = Some(convert(value.clone())),
        }
    }
}
impl<T: Serialize> Serialize for Maybe<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Maybe::Unset | Maybe::None => serializer.serialize_none(),
            Maybe::Some(value) => serializer.serialize_some(value),
        }
    }
}
impl<'de, T: Deserialize<'de>> Deserialize<'de> for Maybe<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Maybe<T>, D::Error> {
        Ok(Option::deserialize(deserializer)?.map_or(Maybe::None, Maybe::Some))
    }
}

/// Things by name; two of the same name are an error, not the last one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Named<T>(pub BTreeMap<String, T>);
impl<T> Default for Named<T> {
    fn default() -> Named<T> {
        Named(BTreeMap::new())
    }
}
impl<T> Deref for Named<T> {
    type Target = BTreeMap<String, T>;
    fn deref(&self) -> &BTreeMap<String, T> {
        &self.0
    }
}
impl<T> DerefMut for Named<T> {
    fn deref_mut(&mut self) -> &mut BTreeMap<String, T> {
        &mut self.0
    }
}
impl<T: Serialize> Serialize for Named<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.serialize(serializer)
    }
}
impl<'de, T: Deserialize<'de>> Deserialize<'de> for Named<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Named<T>, D::Error> {
        struct Names<T>(PhantomData<T>);
        impl<'de, T: Deserialize<'de>> Visitor<'de> for Names<T> {
            type Value = Named<T>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("names in braces: { \"name\": (...) }")
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Named<T>, A::Error> {
                let mut names = BTreeMap::new();
                while let Some(name) = map.next_key::<String>()? {
                    if names.contains_key(&name) {
                        return Err(de::Error::custom(format!("the name `{name}` is there twice")));
                    }
                    let value = map.next_value()?;
                    names.insert(name, value);
                }
                Ok(Named(names))
            }
        }
        deserializer.deserialize_map(Names(PhantomData))
    }
}

/// One value, or several in brackets; none typed is an empty list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OneOrMany<T>(pub Vec<T>);
impl<T> Default for OneOrMany<T> {
    fn default() -> OneOrMany<T> {
        OneOrMany(Vec::new())
    }
}
impl<T: Serialize> Serialize for OneOrMany<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0.as_slice() {
            [one] => one.serialize(serializer),
            many => many.serialize(serializer),
        }
    }
}
impl<'de, T: Deserialize<'de>> Deserialize<'de> for OneOrMany<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<OneOrMany<T>, D::Error> {
        struct Either<T>(PhantomData<T>);
        impl<'de, T: Deserialize<'de>> Visitor<'de> for Either<T> {
            type Value = OneOrMany<T>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a text in quotes, or several in brackets")
            }
            fn visit_str<E: de::Error>(self, text: &str) -> Result<OneOrMany<T>, E> {
                T::deserialize(de::value::StrDeserializer::new(text)).map(|one| OneOrMany(vec![one]))
            }
            fn visit_seq<A: SeqAccess<'de>>(self, seq: A) -> Result<OneOrMany<T>, A::Error> {
                Vec::deserialize(SeqAccessDeserializer::new(seq)).map(OneOrMany)
            }
        }
        deserializer.deserialize_any(Either(PhantomData))
    }
}

/// A number, or the first and the last of a range: `5`, `(1, 1460)`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Range(pub u64, pub u64);
impl Range {
    /// Whether `n` is in it.
    pub fn contains(self, n: u64) -> bool {
        (self.0..=self.1).contains(&n)
    }
}
impl fmt::Display for Range {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0 == self.1 { write!(f, "{}", self.0) } else { write!(f, "{} to {}", self.0, self.1) }
    }
}
impl Serialize for Range {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if self.0 == self.1 { self.0.serialize(serializer) } else { (self.0, self.1).serialize(serializer) }
    }
}
impl<'de> Deserialize<'de> for Range {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Range, D::Error> {
        struct Either;
        impl<'de> Visitor<'de> for Either {
            type Value = Range;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a number, or a range such as (1, 5)")
            }
            fn visit_u64<E: de::Error>(self, n: u64) -> Result<Range, E> {
                Ok(Range(n, n))
            }
            fn visit_seq<A: SeqAccess<'de>>(self, seq: A) -> Result<Range, A::Error> {
                let (first, last) = <(u64, u64)>::deserialize(SeqAccessDeserializer::new(seq))?;
                if last < first {
                    return Err(de::Error::custom(format!("the range ({first}, {last}) is empty")));
                }
                Ok(Range(first, last))
            }
        }
        deserializer.deserialize_any(Either)
    }
}

/// Which of several matching packets, counted from one: `1`, `[1, 3]`, `"2.."`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Nth {
    /// These.
    Listed(Vec<u64>),
    /// This one and all after it.
    From(u64),
}
impl Serialize for Nth {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Nth::Listed(these) if these.len() == 1 => these[0].serialize(serializer),
            Nth::Listed(these) => these.serialize(serializer),
            Nth::From(first) => serializer.collect_str(&format_args!("{first}..")),
        }
    }
}
impl<'de> Deserialize<'de> for Nth {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Nth, D::Error> {
        struct Either;
        impl<'de> Visitor<'de> for Either {
            type Value = Nth;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(
                    "a number counted from one, several as in [1, 3], or \"2..\" for all from the second on",
                )
            }
            fn visit_u64<E: de::Error>(self, n: u64) -> Result<Nth, E> {
                if n == 0 {
                    return Err(E::custom("the first packet is number 1, not 0"));
                }
                Ok(Nth::Listed(vec![n]))
            }
            fn visit_str<E: de::Error>(self, text: &str) -> Result<Nth, E> {
                let first = text.strip_suffix("..").and_then(|n| n.parse().ok()).filter(|n| *n > 0);
                first.map(Nth::From).ok_or_else(|| E::custom(format!("`{text}` is not like \"2..\"")))
            }
            fn visit_seq<A: SeqAccess<'de>>(self, seq: A) -> Result<Nth, A::Error> {
                let these = Vec::<u64>::deserialize(SeqAccessDeserializer::new(seq))?;
                if these.contains(&0) {
                    return Err(de::Error::custom("the first packet is number 1, not 0"));
                }
                Ok(Nth::Listed(these))
            }
        }
        deserializer.deserialize_any(Either)
    }
}

/// Ports, in order: `[22, 80, "1000-1009"]`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ports(pub u16, pub u16);
impl Serialize for Ports {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if self.0 == self.1 {
            self.0.serialize(serializer)
        } else {
            serializer.collect_str(&format_args!("{}-{}", self.0, self.1))
        }
    }
}
impl<'de> Deserialize<'de> for Ports {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Ports, D::Error> {
        struct Either;
        impl Visitor<'_> for Either {
            type Value = Ports;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a port, or a range of ports in quotes, such as \"1-1024\"")
            }
            fn visit_u64<E: de::Error>(self, n: u64) -> Result<Ports, E> {
                let port =
                    u16::try_from(n).map_err(|_| E::custom(format!("`{n}` is not a port (0 to 65535)")))?;
                Ok(Ports(port, port))
            }
            fn visit_str<E: de::Error>(self, text: &str) -> Result<Ports, E> {
                text.split_once('-')
                    .and_then(|(first, last)| Some(Ports(first.parse().ok()?, last.parse().ok()?)))
                    .filter(|ports| ports.0 <= ports.1)
                    .ok_or_else(|| E::custom(format!("`{text}` is not a range of ports, such as `1-1024`")))
            }
        }
        deserializer.deserialize_any(Either)
    }
}
