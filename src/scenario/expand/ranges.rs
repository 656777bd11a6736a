//! Names with a range in them: `c[1-100]` stands for `c1` to `c100`.

use std::net::IpAddr;

/// Such a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Range<'a> {
    before: &'a str,
    first: u32,
    last: u32,
    after: &'a str,
}

impl<'a> Range<'a> {
    /// Reads a name; `None`: it has no range in it.
    pub(super) fn of(text: &'a str) -> Result<Option<Range<'a>>, String> {
        let Some((before, rest)) = text.split_once('[') else { return Ok(None) };
        let Some((inside, after)) = rest.split_once(']') else { return Ok(None) };
        let Some((first, last)) = inside.split_once('-') else { return Ok(None) };
        let (Ok(first), Ok(last)) = (first.parse(), last.parse()) else {
            return Err(format!("`{text}` has no range of numbers in its brackets"));
        };
        if last < first {
            return Err(format!("the range of `{text}` is empty"));
        }
        Ok(Some(Range { before, first, last, after }))
    }
    /// How many names there are.
    pub(super) fn len(self) -> u64 {
        u64::from(self.last - self.first) + 1
    }
    /// The names, in order.
    pub(super) fn names(self) -> impl Iterator<Item = String> {
        (self.first..=self.last).map(move |n| format!("{}{n}{}", self.before, self.after))
    }
}

/// The address so far behind this one; `None`: there is none.
pub(super) fn nth_address(first: IpAddr, n: u64) -> Option<IpAddr> {
    match first {
        IpAddr::V4(first) => {
            let bits = first.to_bits().checked_add(u32::try_from(n).ok()?)?;
            Some(IpAddr::V4(bits.into()))
        }
        IpAddr::V6(first) => Some(IpAddr::V6(first.to_bits().checked_add(n.into())?.into())),
    }
}
