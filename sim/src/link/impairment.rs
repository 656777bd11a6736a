//! What a direction of a link does to packets by chance. A direction without chance has none of this.
//!
//! The order of decisions is netem's: duplicate, loss (of a duplicated packet, one of the two), corrupt, then the
//! queue's limit, then the delay with its variation and reordering. Each decision draws from a stream of its own.

use tcp::Duration;

use crate::rng::{self, Correlated, Stream};
use crate::spec::{Distribution, Jitter, Loss, Way};

/// The parts of a [`Way`] that are left to chance, or to a list.
#[derive(Clone, Debug)]
pub(super) struct Impairment {
    seed: u64,
    /// `link:a-b>` or `link:a-b<`: what the streams' names begin with.
    name: String,
    loss: Loss,
    /// Gilbert-Elliott: in the bad state.
    bad: bool,
    /// Packets that have come to the decision about loss.
    seen: u64,
    duplicate_ppm: u32,
    reorder_ppm: u32,
    corrupt_ppm: u32,
    jitter: Jitter,
    correlated: Correlated,
    streams: [Option<Box<Stream>>; 5],
}

/// Which stream.
#[derive(Clone, Copy)]
enum Purpose {
    Loss,
    Duplicate,
    Reorder,
    Corrupt,
    Jitter,
}

impl Purpose {
    fn name(self) -> &'static str {
        match self {
            Purpose::Loss => "loss",
            Purpose::Duplicate => "duplicate",
            Purpose::Reorder => "reorder",
            Purpose::Corrupt => "corrupt",
            Purpose::Jitter => "jitter",
        }
    }
}

/// Whether a direction with these parameters needs an [`Impairment`].
pub(super) fn needed(way: &Way) -> bool {
    way.loss != Loss::None
        || way.duplicate_ppm > 0
        || way.reorder_ppm > 0
        || way.corrupt_ppm > 0
        || way.jitter.scale > Duration::ZERO
}

impl Impairment {
    pub(super) fn new(seed: u64, name: &str, way: &Way) -> Impairment {
        let mut this = Impairment {
            seed,
            name: name.to_string(),
            loss: Loss::None,
            bad: false,
            seen: 0,
            duplicate_ppm: 0,
            reorder_ppm: 0,
            corrupt_ppm: 0,
            jitter: way.jitter,
            correlated: Correlated::default(),
            streams: [const { None }; 5],
        };
        this.change(way);
        this
    }
    /// New parameters; streams and states go on where they are.
    pub(super) fn change(&mut self, way: &Way) {
        self.loss = way.loss.clone();
        if let Loss::Listed(numbers) = &mut self.loss {
            numbers.sort_unstable();
        }
        self.duplicate_ppm = way.duplicate_ppm;
        self.reorder_ppm = way.reorder_ppm;
        self.corrupt_ppm = way.corrupt_ppm;
        self.jitter = way.jitter;
    }
    fn stream(&mut self, purpose: Purpose) -> &mut Stream {
        let (seed, name) = (self.seed, &self.name);
        self.streams[purpose as usize]
            .get_or_insert_with(|| Box::new(Stream::new(seed, &format!("{name}/{}", purpose.name()))))
    }
    fn chance(&mut self, purpose: Purpose, ppm: u32) -> bool {
        ppm > 0 && self.stream(purpose).chance(ppm)
    }
    /// Whether this packet is sent twice.
    pub(super) fn duplicates(&mut self) -> bool {
        self.chance(Purpose::Duplicate, self.duplicate_ppm)
    }
    /// Whether this packet is overtaken.
    pub(super) fn reorders(&mut self) -> bool {
        self.chance(Purpose::Reorder, self.reorder_ppm)
    }
    /// The bit that is flipped in this packet of `len` bytes, if one is.
    pub(super) fn corrupts(&mut self, len: u32) -> Option<u32> {
        self.chance(Purpose::Corrupt, self.corrupt_ppm)
            .then(|| self.stream(Purpose::Corrupt).below(u64::from(len) * 8) as u32)
    }
    /// Whether this packet is lost.
    pub(super) fn loses(&mut self) -> bool {
        self.seen += 1;
        match self.loss {
            Loss::None => false,
            Loss::Bernoulli(ppm) => self.chance(Purpose::Loss, ppm),
            // As netem's gemodel: the state before this packet decides its fate, then the state may change.
            Loss::GilbertElliott { p, r, bad_loss, good_loss } => {
                let (loss, change) = if self.bad { (bad_loss, r) } else { (good_loss, p) };
                let lost = self.chance(Purpose::Loss, loss);
                self.bad ^= self.chance(Purpose::Loss, change);
                lost
            }
            Loss::Listed(ref numbers) => numbers.binary_search(&self.seen).is_ok(),
        }
    }
    /// This packet's deviation from the delay, in nanoseconds.
    pub(super) fn jitter(&mut self) -> i64 {
        let Jitter { scale, distribution, correlation_ppm, .. } = self.jitter;
        if scale == Duration::ZERO {
            return 0;
        }
        let mut correlated = self.correlated;
        let bits = correlated.next(self.stream(Purpose::Jitter), correlation_ppm);
        self.correlated = correlated;
        match distribution {
            Distribution::Uniform => rng::uniform(bits, scale.as_nanos()),
            Distribution::Normal => rng::normal(bits, scale.as_nanos()),
            Distribution::Pareto => rng::pareto(bits, scale.as_nanos()),
        }
    }
}
