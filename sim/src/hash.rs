//! Hashes that are the same on every machine and in every version: of a trace, and of names.

use std::net::IpAddr;

/// A running hash of what happens. Not cryptographic: it tells runs apart, it does not withstand an attacker.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TraceHash(u64);

impl Default for TraceHash {
    fn default() -> TraceHash {
        TraceHash(0x7469_6d65_7761_6974)
    }
}

impl TraceHash {
    /// Takes in one word.
    #[inline]
    pub fn add(&mut self, word: u64) {
        // Multiplication by an odd constant is a bijection, so a difference never vanishes within a word; the
        // rotation brings the well-mixed high bits down.
        self.0 = (self.0 ^ word).wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(29);
    }
    /// Takes in an address.
    pub fn add_addr(&mut self, addr: IpAddr) {
        match addr {
            IpAddr::V4(a) => self.add(u64::from(a.to_bits())),
            IpAddr::V6(a) => {
                self.add((a.to_bits() >> 64) as u64);
                self.add(a.to_bits() as u64);
            }
        }
    }
    /// Takes in text.
    pub fn add_str(&mut self, text: &str) {
        self.add(text.len() as u64);
        text.bytes().for_each(|byte| self.add(u64::from(byte)));
    }
    /// The hash of all that was taken in.
    pub fn value(self) -> u64 {
        finish(self.0)
    }
}

/// The hash of a name.
pub fn of_name(name: &str) -> u64 {
    let mut hash = TraceHash::default();
    hash.add_str(name);
    hash.value()
}

/// The last step of SplitMix64: every bit of the input moves every bit of the output.
const fn finish(mut z: u64) -> u64 {
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_word_and_their_order_count() {
        let of = |words: &[u64]| {
            let mut hash = TraceHash::default();
            words.iter().for_each(|w| hash.add(*w));
            hash.value()
        };
        assert_ne!(of(&[1, 2]), of(&[2, 1]));
        assert_ne!(of(&[]), of(&[0]));
        assert_ne!(of(&[0]), of(&[0, 0]));
    }

    #[test]
    fn names_hash_as_they_always_did() {
        // Changing these changes every random run.
        assert_eq!(of_name("link:a-b>/loss"), 0x2f97aa40cdf5fb50);
        assert_eq!(of_name(""), 0x8564957b8f43f113);
    }
}
