//! Numbers for choosing what a scenario looks like: what is drawn here is a run's input, never part of a run.

/// SplitMix64.
pub struct Dice(u64);

impl Dice {
    /// The dice of this seed.
    pub fn new(seed: u64) -> Dice {
        Dice(seed)
    }
    /// A number below `sides`; zero if that is zero.
    pub fn roll(&mut self, sides: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % sides.max(1)
    }
    /// True so often.
    pub fn chance(&mut self, percent: u64) -> bool {
        self.roll(100) < percent
    }
    /// One of these.
    pub fn pick<'a>(&mut self, among: &[&'a str]) -> &'a str {
        among.get(self.roll(among.len() as u64) as usize).copied().unwrap_or("")
    }
}
