//! The Internet checksum (RFC 1071).

use std::net::IpAddr;

/// A checksum in the making: the ones' complement sum of 16-bit words.
#[derive(Clone, Copy, Debug, Default)]
pub struct Checksum(u64);

impl Checksum {
    /// Adds `bytes`, which begin at an even place; an odd last byte is padded with zero.
    #[must_use]
    pub fn with(self, bytes: &[u8]) -> Checksum {
        let (words, rest) = bytes.as_chunks::<2>();
        let sum: u64 = words.iter().map(|word| u64::from(u16::from_be_bytes(*word))).sum();
        let last = rest.first().map_or(0, |byte| u64::from(*byte) << 8);
        Checksum(self.0 + sum + last)
    }
    /// The sum over the pseudo-header (RFC 9293, section 3.1; RFC 8200, section 8.1) and `bytes`, the whole payload of
    /// the IP packet.
    pub fn of_pseudo_header(src: IpAddr, dst: IpAddr, protocol: u8, bytes: &[u8]) -> Checksum {
        let address = |sum: Checksum, address: IpAddr| match address {
            IpAddr::V4(ip) => sum.with(&ip.octets()),
            IpAddr::V6(ip) => sum.with(&ip.octets()),
        };
        let sum = address(address(Checksum::default(), src), dst);
        sum.with(&(bytes.len() as u32).to_be_bytes()).with(&[0, protocol]).with(bytes)
    }
    /// What stands in the header; zero if the sum was taken over a correct header that has its checksum in it.
    pub fn finish(self) -> u16 {
        let mut sum = self.0;
        while sum > 0xffff {
            sum = (sum >> 16) + (sum & 0xffff);
        }
        !(sum as u16)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example of RFC 1071, section 3, and an odd length.
    #[test]
    fn known_sums() {
        let bytes = [0x00, 0x01, 0xf2, 0x03, 0xf4, 0xf5, 0xf6, 0xf7];
        assert_eq!(Checksum::default().with(&bytes).finish(), !0xddf2);
        assert_eq!(Checksum::default().with(&[0x12, 0x34, 0x56]).finish(), !(0x1234 + 0x5600));
    }
}
