//! A server's main task: listens, accepts, and starts a handler on each connection.

use std::net::IpAddr;

use rustc_hash::FxHashMap;
use tcp::{Duration, Errno, Time};

use super::script::Outcome;
use super::{Spawn, Who};
use crate::host::kernel::{Ctx, Kernel};
use crate::host::sockets::SocketId;
use crate::spec::Serve;

/// The state of a server.
#[derive(Clone, Debug, Default)]
pub(super) struct Acceptor {
    socket: Option<SocketId>,
    /// When the queue is looked at next.
    accepts_from: Option<Time>,
    /// When the listening socket is closed, and whether it has been.
    closes_at: Time,
    closed: bool,
    accepted: u32,
    /// Connections by client, where there is a limit.
    by_client: FxHashMap<IpAddr, u32>,
}

/// The first look at the queue after now, of those at `look` and every `pause` later.
fn next_look(now: Time, look: Time, pause: Duration) -> Time {
    let pause = pause.max(Duration::from_nanos(1));
    look + pause * (now.since(look).as_nanos() / pause.as_nanos() + 1)
}

impl std::hash::Hash for Acceptor {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        let Acceptor { socket, accepts_from, closes_at, closed, accepted, by_client } = self;
        (socket, accepts_from, closes_at, closed, accepted).hash(state);
        crate::digest::unordered(by_client, state);
    }
}

impl Acceptor {
    pub(super) fn run(
        &mut self,
        serve: &Serve,
        handlers: u32,
        kernel: &mut Kernel,
        ctx: &mut Ctx<'_>,
        who: &Who<'_>,
        spawns: &mut Vec<Spawn>,
    ) -> Outcome {
        if self.socket.is_none() && !self.closed && self.open(serve, kernel, ctx, who).is_err() {
            return Outcome::Over;
        }
        if ctx.now >= self.closes_at
            && let Some(socket) = self.socket.take()
        {
            self.closed = true;
            let result = kernel.close(ctx, socket);
            let said = || result.map_or_else(|errno| errno.to_string(), |()| "0".to_owned());
            ctx.out.program(who.label, || ("close() of the listener", said()));
        }
        let (Some(socket), Some(from)) = (self.socket, self.accepts_from) else {
            // The connections that were accepted go on.
            return Outcome::Waiting(if self.closed { Time::NEVER } else { self.closes_at });
        };
        let from = match serve.accept_every {
            // Nothing came at that look: it is the one after this.
            Some(pause) if ctx.now > from => next_look(ctx.now - Duration::from_nanos(1), from, pause),
            _ => from,
        };
        if ctx.now < from {
            return Outcome::Waiting(from.min(self.closes_at));
        }
        let mut busy = handlers;
        while (serve.accept_max == 0 || self.accepted < serve.accept_max)
            && !(serve.one_at_a_time && busy > 0)
            && let Some(spawn) = self.accept(socket, serve, kernel, ctx, who)
        {
            busy += u32::from(spawn.is_some());
            spawns.extend(spawn);
        }
        if let Some(pause) = serve.accept_every {
            self.accepts_from = Some(next_look(ctx.now, from, pause));
        }
        Outcome::Waiting(self.closes_at)
    }

    /// A handler of a connection of this client is over.
    pub(super) fn ended(&mut self, client: IpAddr) {
        if let Some(count) = self.by_client.get_mut(&client) {
            *count = count.saturating_sub(1);
            if *count == 0 {
                self.by_client.remove(&client);
            }
        }
    }

    fn open(
        &mut self,
        serve: &Serve,
        kernel: &mut Kernel,
        ctx: &mut Ctx<'_>,
        who: &Who<'_>,
    ) -> Result<(), Errno> {
        let socket = kernel.socket(who.process, who.task);
        let result = serve
            .options
            .iter()
            .try_for_each(|option| kernel.set_option(ctx, socket, *option))
            .and_then(|()| kernel.bind(socket, serve.address, serve.port))
            .and_then(|()| kernel.listen(ctx, socket, serve.backlog));
        ctx.out.program(who.label, || {
            let address = serve.address.map_or_else(|| "*".to_owned(), |a| a.to_string());
            let text = result.map_or_else(|errno| errno.to_string(), |()| "0".to_owned());
            (format!("listen({address}:{}, {})", serve.port, serve.backlog), text)
        });
        if result.is_ok() {
            self.socket = Some(socket);
            self.accepts_from = serve.accept_after.map(|after| ctx.now + after);
            self.closes_at = serve.close_after.map_or(Time::NEVER, |after| ctx.now + after);
        } else {
            // It was opened above.
            let _ = kernel.close(ctx, socket);
        }
        result
    }

    /// Accepts one connection. `None`: there is none; inside, `None`: it was refused to its client.
    fn accept(
        &mut self,
        socket: SocketId,
        serve: &Serve,
        kernel: &mut Kernel,
        ctx: &mut Ctx<'_>,
        who: &Who<'_>,
    ) -> Option<Option<Spawn>> {
        let (conn, peer) = match kernel.accept(socket, who.task) {
            Ok(accepted) => accepted,
            Err(Errno::EAGAIN) => return None,
            Err(errno) => {
                ctx.out.program(who.label, || ("accept()", errno.to_string()));
                return Some(None);
            }
        };
        kernel.note_accepted(ctx, socket, conn);
        self.accepted += 1;
        ctx.out.program(who.label, || ("accept()", peer.to_string()));
        let Some(limit) = serve.per_client_limit else {
            return Some(Some(Spawn::Handler(conn, peer.ip(), self.accepted)));
        };
        let count = self.by_client.entry(peer.ip()).or_default();
        if *count >= limit {
            ctx.out.program(who.label, || ("close()", format!("{peer}: more than {limit} connections")));
            // It was accepted above.
            let _ = kernel.close(ctx, conn);
            return Some(None);
        }
        *count += 1;
        Some(Some(Spawn::Handler(conn, peer.ip(), self.accepted)))
    }
}
