//! What a direction of a link does to packets by chance. A direction without chance has none of this.
//!
//! The order of decisions is netem's: duplicate, loss (of a duplicated packet, one of the two), corrupt, then the
//! queue's limit, then the delay with its variation and reordering. Each decision draws from a stream of its own.

use std::sync::Arc;

use tcp::Duration;

use super::qdisc::Verdict;
use crate::rng::{self, Correlated, Stream};
use crate::spec::{Distribution, Jitter, Listed, Loss, Way};

/// The parts of a [`Way`] that are left to chance, or to a list.
#[derive(Clone, Debug)]
pub(super) struct Impairment {
    seed: u64,
    /// `link:a-b>` or `link:a-b<`: what the streams' names begin with.
    name: String,
    loss: Loss,
    /// Gilbert-Elliott: in the bad state.
    bad: bool,
    /// Packets that have come to the decision about loss, since there is one to make.
    seen: u64,
    /// Whether any of this was ever asked for: without it, what is here only writes down.
    asked_for: bool,
    /// Packets handed over, and packets that left the queue, from the start.
    entered: u64,
    left: u64,
    listed: Option<Arc<Listed>>,
    log: Option<Box<FateLog>>,
    duplicate_ppm: u32,
    reorder_ppm: u32,
    corrupt_ppm: u32,
    jitter: Jitter,
    correlated: Correlated,
    streams: [Option<Box<Stream>>; 5],
}

/// What somebody decides to do to a packet that is still to come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Forced {
    /// It is lost.
    Lose,
    /// It is sent twice.
    Copy,
    /// It takes so much longer, and is overtaken.
    Late(Duration),
    /// This bit of it is flipped, counted from the start of the IP header.
    Flip(u32),
}

/// What chance did to the packets of one direction of a link: as a list, it does the same again.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FateLog {
    /// Packets that were lost, by their number among those handed over.
    pub lose: Vec<u64>,
    /// What happened to others.
    pub listed: Listed,
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
        || way.listed.is_some()
}

fn insert(numbers: &mut Vec<u64>, n: u64) {
    if let Err(at) = numbers.binary_search(&n) {
        numbers.insert(at, n);
    }
}
fn is_listed(numbers: &[u64], n: u64) -> bool {
    numbers.binary_search(&n).is_ok()
}
fn looked_up<T: Copy>(pairs: &[(u64, T)], n: u64) -> Option<T> {
    pairs.binary_search_by_key(&n, |(number, _)| *number).ok().map(|i| pairs[i].1)
}

impl Impairment {
    /// For digests: what is still to come of lists, by how far on; where streams stand.
    pub(super) fn digest_into<H: std::hash::Hasher>(&self, state: &mut H) {
        use std::hash::Hash;
        // Names, rates and shapes follow from the scenario and the time; the log tells of the past.
        let Impairment {
            seed: _,
            name: _,
            loss,
            bad,
            seen,
            asked_for,
            entered,
            left,
            listed,
            log: _,
            duplicate_ppm: _,
            reorder_ppm: _,
            corrupt_ppm: _,
            jitter: _,
            correlated,
            streams,
        } = self;
        (bad, asked_for, correlated, streams).hash(state);
        let ahead = |numbers: &[u64], done: u64, state: &mut H| {
            let to_come = numbers.iter().filter(|n| **n > done);
            to_come.for_each(|n| state.write_u64(n - done));
            state.write_u64(u64::MAX);
        };
        if let Loss::Listed(numbers) = loss {
            ahead(numbers, *seen, state);
        }
        if let Some(listed) = listed {
            let Listed { copy, flip, shift, overtake, drop_early, mark } = &**listed;
            for list in [copy, drop_early, mark] {
                ahead(list, *entered, state);
            }
            ahead(overtake, *left, state);
            flip.iter().filter(|(n, _)| n > entered).for_each(|(n, bit)| (n - entered, bit).hash(state));
            state.write_u64(u64::MAX);
            shift.iter().filter(|(n, _)| n > left).for_each(|(n, by)| (n - left, by).hash(state));
            state.write_u64(u64::MAX);
        }
    }
    pub(super) fn new(seed: u64, name: &str, way: &Way) -> Impairment {
        let mut this = Impairment {
            seed,
            name: name.to_string(),
            loss: Loss::None,
            bad: false,
            seen: 0,
            asked_for: false,
            entered: 0,
            left: 0,
            listed: None,
            log: None,
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
        if !self.asked_for && needed(way) {
            (self.asked_for, self.seen) = (true, 0);
        }
        self.listed.clone_from(&way.listed);
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
    /// Packets handed over so far.
    pub(super) fn entered(&self) -> u64 {
        self.entered
    }
    /// Something happens to the packet that is so many further: one is the next. Those before it leave the queue.
    pub(super) fn force(&mut self, ahead: u64, what: Forced) {
        let (enters, leaves) = (self.entered + ahead, self.left + ahead);
        if what == Forced::Lose {
            let number = self.seen + ahead;
            match &mut self.loss {
                Loss::Listed(numbers) => insert(numbers, number),
                loss => *loss = Loss::Listed(vec![number]),
            }
            return;
        }
        let listed = Arc::make_mut(self.listed.get_or_insert_default());
        match what {
            Forced::Lose => {}
            Forced::Copy => insert(&mut listed.copy, enters),
            Forced::Flip(bit) => {
                listed.flip.push((enters, bit));
                listed.flip.sort_by_key(|(n, _)| *n);
            }
            Forced::Late(by) => {
                let nanos = i64::try_from(by.as_nanos()).unwrap_or(i64::MAX);
                listed.shift.push((leaves, nanos));
                listed.shift.sort_by_key(|(n, _)| *n);
                insert(&mut listed.overtake, leaves);
            }
        }
    }
    /// From now on, what happens is written down.
    pub(super) fn keep_log(&mut self) {
        self.log = Some(Box::default());
    }
    /// What was written down.
    pub(super) fn log(&self) -> Option<&FateLog> {
        self.log.as_deref()
    }
    /// Whether this packet, the next that is handed over, is sent twice.
    pub(super) fn duplicates(&mut self) -> bool {
        self.entered += 1;
        let listed = self.listed.as_ref().is_some_and(|listed| is_listed(&listed.copy, self.entered));
        let twice = self.chance(Purpose::Duplicate, self.duplicate_ppm) || listed;
        if let Some(log) = self.log.as_mut().filter(|_| twice) {
            log.listed.copy.push(self.entered);
        }
        twice
    }
    /// What the list says of the queue's verdict on the packet handed over last.
    pub(super) fn queue_verdict(&self) -> Verdict {
        let Some(listed) = &self.listed else { return Verdict::Take };
        match (is_listed(&listed.drop_early, self.entered), is_listed(&listed.mark, self.entered)) {
            (true, _) => Verdict::Early,
            (false, true) => Verdict::Mark,
            (false, false) => Verdict::Take,
        }
    }
    /// The queue has decided.
    pub(super) fn note_verdict(&mut self, verdict: Verdict) {
        let Some(log) = &mut self.log else { return };
        match verdict {
            Verdict::Early => log.listed.drop_early.push(self.entered),
            Verdict::Mark => log.listed.mark.push(self.entered),
            Verdict::Take | Verdict::Full => {}
        }
    }
    /// Whether this packet is overtaken.
    pub(super) fn reorders(&mut self) -> bool {
        let listed = self.listed.as_ref().is_some_and(|listed| is_listed(&listed.overtake, self.left));
        let overtaken = self.chance(Purpose::Reorder, self.reorder_ppm) || listed;
        if let Some(log) = self.log.as_mut().filter(|_| overtaken) {
            log.listed.overtake.push(self.left);
        }
        overtaken
    }
    /// The bit that is flipped in this packet of `len` bytes, if one is.
    pub(super) fn corrupts(&mut self, len: u32) -> Option<u32> {
        let bits = u64::from(len.max(1)) * 8;
        let listed = self.listed.as_ref().and_then(|listed| looked_up(&listed.flip, self.entered));
        let flip = if self.chance(Purpose::Corrupt, self.corrupt_ppm) {
            Some(self.stream(Purpose::Corrupt).below(bits) as u32)
        } else {
            listed.map(|bit| (u64::from(bit) % bits) as u32)
        };
        if let (Some(log), Some(bit)) = (self.log.as_mut(), flip) {
            log.listed.flip.push((self.entered, bit));
        }
        flip
    }
    /// Whether this packet is lost.
    pub(super) fn loses(&mut self) -> bool {
        self.seen += 1;
        let lost = self.is_lost();
        if let Some(log) = self.log.as_mut().filter(|_| lost) {
            log.lose.push(self.entered);
        }
        lost
    }
    fn is_lost(&mut self) -> bool {
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
            Loss::Listed(ref numbers) => is_listed(numbers, self.seen),
        }
    }
    /// The deviation from the delay of this packet, the next that leaves the queue, in nanoseconds.
    pub(super) fn jitter(&mut self) -> i64 {
        self.left += 1;
        let listed = self.listed.as_ref().and_then(|listed| looked_up(&listed.shift, self.left));
        let shift = self.drawn_jitter().saturating_add(listed.unwrap_or(0));
        if let Some(log) = self.log.as_mut().filter(|_| shift != 0) {
            log.listed.shift.push((self.left, shift));
        }
        shift
    }
    fn drawn_jitter(&mut self) -> i64 {
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
