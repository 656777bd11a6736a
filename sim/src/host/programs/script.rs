//! A script: its place among the steps, and how it goes on, fails and ends.
//!
//! A script is a value: a list of steps, a counter, and a stack for `Repeat` and `Try`. It runs until a step has to
//! wait, and is run again when its socket has news or its time has come.

use std::sync::Arc;

use tcp::{Payload, Time};

use super::{BREATHER, STEPS_AT_ONCE, Who};
use crate::host::kernel::{Ctx, Kernel};
use crate::host::lean::Seldom;
use crate::host::sockets::SocketId;
use crate::spec::Step;

/// A script on its way.
#[derive(Clone, Debug, Hash)]
pub(super) struct Script {
    place: Place,
    pub(super) doing: Doing,
}

/// Where a script is among its steps.
#[derive(Clone, Debug, Hash)]
struct Place {
    steps: Arc<[Step]>,
    pc: u32,
    /// Nested lists, the innermost last.
    stack: Seldom<Frame>,
}

/// What a script has in hand.
#[derive(Clone, Debug, Hash)]
pub(super) struct Doing {
    /// The socket that the steps are about.
    pub(super) socket: Option<SocketId>,
    /// Pattern bytes written to that socket so far.
    pub(super) pattern_offset: u64,
    /// Progress of the present step.
    pub(super) work: Work,
    /// When something was last received.
    pub(super) last_received: Time,
}

/// A nested list of steps.
#[derive(Clone, Debug, Hash)]
pub(super) struct Frame {
    steps: Arc<[Step]>,
    pc: u32,
    /// How often the list is done after this time.
    again: u32,
    /// A failure inside ends this list only.
    catches: bool,
}

/// Progress of a step.
#[derive(Clone, Debug, Default, Hash)]
pub(super) struct Work {
    /// Which part of the step is going on; zero at its start.
    pub(super) phase: u8,
    /// Bytes done.
    pub(super) done: u64,
    /// Bytes of the present unit (a request, a write) done.
    pub(super) unit: u64,
    /// Units done.
    pub(super) units: u64,
    /// Until when the step pauses; zero: it does not.
    pub(super) until: Time,
    /// What is still to be sent.
    pub(super) pending: Payload,
    /// The beginning of what was read, for the trace.
    pub(super) shown: Seldom<u8>,
}

/// How far a step got.
#[derive(Clone, Debug)]
pub(super) enum Progress {
    /// It is done.
    Done,
    /// It waits for news of its socket.
    Wait,
    /// It waits for this time, or for news of its socket.
    WaitUntil(Time),
    /// It failed, and said so in the trace.
    Failed,
    /// A nested list begins.
    Enter(Frame),
}

/// How far a script got.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    /// It waits, until this time at most.
    Waiting(Time),
    /// It is over.
    Over,
}

impl Frame {
    /// A list to be done `times` times.
    pub(super) fn repeat(times: u32, steps: &Arc<[Step]>) -> Option<Frame> {
        (times > 0).then(|| Frame { steps: Arc::clone(steps), pc: 0, again: times - 1, catches: false })
    }
    /// A list whose failure is caught.
    pub(super) fn catching(steps: &Arc<[Step]>) -> Frame {
        Frame { steps: Arc::clone(steps), pc: 0, again: 0, catches: true }
    }
}

impl Script {
    pub(super) fn new(steps: Arc<[Step]>, socket: Option<SocketId>, now: Time) -> Script {
        Script {
            place: Place { steps, pc: 0, stack: Seldom::default() },
            doing: Doing { socket, pattern_offset: 0, work: Work::default(), last_received: now },
        }
    }

    /// Goes on as far as it can.
    pub(super) fn run(&mut self, kernel: &mut Kernel, ctx: &mut Ctx<'_>, who: &Who<'_>) -> Outcome {
        for _ in 0..STEPS_AT_ONCE {
            let Some(step) = self.place.present() else { return Outcome::Over };
            match self.doing.step(step, kernel, ctx, who) {
                Progress::Done => self.advance(),
                Progress::Wait => return Outcome::Waiting(Time::NEVER),
                Progress::WaitUntil(time) => return Outcome::Waiting(time),
                Progress::Failed => {
                    if !self.unwind() {
                        return Outcome::Over;
                    }
                }
                Progress::Enter(frame) => {
                    self.advance();
                    self.place.stack.push(frame);
                }
            }
        }
        Outcome::Waiting(ctx.now + BREATHER)
    }

    fn advance(&mut self) {
        self.doing.work = Work::default();
        match self.place.stack.last_mut() {
            Some(frame) => frame.pc += 1,
            None => self.place.pc += 1,
        }
    }

    /// Leaves the lists that a failure ends. Whether something is left to do.
    fn unwind(&mut self) -> bool {
        self.doing.work = Work::default();
        self.place.unwind()
    }
}

impl Place {
    /// The step that is being done; `None` at the end of the script.
    fn present(&mut self) -> Option<&Step> {
        while let Some(frame) = self.stack.last_mut() {
            if (frame.pc as usize) < frame.steps.len() {
                break;
            }
            if frame.again > 0 && !frame.steps.is_empty() {
                frame.again -= 1;
                frame.pc = 0;
            } else {
                self.stack.pop();
            }
        }
        match self.stack.last() {
            Some(frame) => frame.steps.get(frame.pc as usize),
            None => self.steps.get(self.pc as usize),
        }
    }

    /// Leaves the lists that a failure ends. Whether something is left to do.
    fn unwind(&mut self) -> bool {
        while let Some(frame) = self.stack.pop() {
            if frame.catches {
                return true;
            }
        }
        self.pc = self.steps.len() as u32;
        false
    }
}
