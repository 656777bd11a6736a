//! The one table behind the types of a scenario file: a type is written once, with the documentation, default and
//! example of each field, and this makes the type, its reader and writer, and its part of the documentation.

/// What a field or a variant is, for the documentation.
pub struct Field {
    /// As it is typed in a file.
    pub name: &'static str,
    /// The Rust type, as written.
    pub kind: &'static str,
    /// What happens without it; `None`: it must be there.
    pub default: Option<&'static str>,
    /// A value, as typed in a file.
    pub example: &'static str,
    /// What it means.
    pub doc: &'static [&'static str],
    /// Reads `example`, or another text, as a value of this field.
    pub read: fn(&str) -> Result<(), ron::error::SpannedError>,
}

/// A variant of a choice.
pub struct Variant {
    /// As it is typed in a file.
    pub name: &'static str,
    /// What it means.
    pub doc: &'static [&'static str],
    /// Types of what stands in its parentheses, without names.
    pub holds: &'static [&'static str],
    /// What stands in its parentheses, by name.
    pub fields: &'static [Field],
}

/// A documented type.
pub struct Described {
    /// Its name.
    pub name: &'static str,
    /// What it is.
    pub doc: &'static [&'static str],
    /// Fields, of a structure.
    pub fields: &'static [Field],
    /// Variants, of a choice.
    pub variants: &'static [Variant],
}

/// Whether a field says nothing, and so is not written.
pub(crate) fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

/// Structures: `name: Type [= "what happens without it"], "example";`. Choices: variants alone, with types, or with such fields.
macro_rules! described {
    ($(#[doc = $doc:literal])* pub struct $name:ident {
        $($(#[doc = $fdoc:literal])* $field:ident: $kind:ty $(= $default:literal)?, $example:literal;)*
    }) => {
        $(#[doc = $doc])*
        #[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
        #[serde(deny_unknown_fields)]
        pub struct $name {
            $($(#[doc = $fdoc])* $(
                #[doc = concat!("\n\nDefault: ", $default)]
                #[serde(default, skip_serializing_if = "crate::scenario::file::table::is_default")]
            )? pub $field: $kind,)*
        }
        impl $name {
            /// Its documentation.
            pub const DESCRIBED: $crate::scenario::file::table::Described = $crate::scenario::file::table::Described {
                name: stringify!($name),
                doc: &[$($doc),*],
                fields: &[$($crate::scenario::file::table::field!($(#[doc = $fdoc])* $field: $kind $(= $default)?, $example)),*],
                variants: &[],
            };
        }
    };
    ($(#[doc = $doc:literal])* pub enum $name:ident $(: $($extra:ident),+)? {
        $($(#[doc = $vdoc:literal])* $variant:ident $(($($holds:ty),+))? $({
            $($(#[doc = $fdoc:literal])* $field:ident: $kind:ty $(= $default:literal)?, $example:literal;)*
        })?,)*
    }) => {
        $(#[doc = $doc])*
        #[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
        $(#[derive($($extra),+)])?
        #[serde(deny_unknown_fields)]
        #[allow(clippy::large_enum_variant, reason = "as it is typed: a handful of each, read once")]
        pub enum $name {
            $($(#[doc = $vdoc])* $variant $(($($holds),+))? $({
                $($(#[doc = $fdoc])* $(
                    #[doc = concat!("\n\nDefault: ", $default)]
                    #[serde(default, skip_serializing_if = "crate::scenario::file::table::is_default")]
                )? $field: $kind,)*
            })?,)*
        }
        impl $name {
            /// Its documentation.
            pub const DESCRIBED: $crate::scenario::file::table::Described = $crate::scenario::file::table::Described {
                name: stringify!($name),
                doc: &[$($doc),*],
                fields: &[],
                variants: &[$($crate::scenario::file::table::Variant {
                    name: stringify!($variant),
                    doc: &[$($vdoc),*],
                    holds: &[$($(stringify!($holds)),+)?],
                    fields: &[$($($crate::scenario::file::table::field!($(#[doc = $fdoc])* $field: $kind $(= $default)?, $example)),*)?],
                }),*],
            };
        }
    };
}

/// One row of a table.
macro_rules! field {
    ($(#[doc = $fdoc:literal])* $field:ident: $kind:ty $(= $default:literal)?, $example:literal) => {{
        #[allow(unused_mut, unused_assignments, reason = "set only where there is a default")]
        let default: Option<&'static str> = {
            let mut default = None;
            $(default = Some($default);)?
            default
        };
        $crate::scenario::file::table::Field {
            name: stringify!($field),
            kind: stringify!($kind),
            default,
            example: $example,
            doc: &[$($fdoc),*],
            read: |text| $crate::scenario::file::options().from_str::<$kind>(text).map(drop),
        }
    }};
}
pub(crate) use {described, field};
