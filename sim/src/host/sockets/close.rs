//! Shutdown and close, by a program or because it ends.

use tcp::{Errno, Rule};

use super::{Kind, SocketId};
use crate::calls::ProgramCall;
use crate::check::StreamEvent;
use crate::figures::FlowEvent;
use crate::host::kernel::{Ctx, Kernel};
use crate::host::tcp_layer::{ConnId, Holder};

impl Kernel {
    /// shutdown(2) of the sending side.
    ///
    /// # Errors
    /// ENOTCONN.
    pub fn shutdown_write(&mut self, ctx: &mut Ctx<'_>, id: SocketId) -> Result<(), Errno> {
        let conn = self.connection(id)?;
        let mark = ctx.out.mark();
        let result =
            self.call(ctx, conn, |tcb, now, out| tcb.shutdown_write(now, out)).unwrap_or(Err(Errno::EBADF));
        ctx.out.call(mark, id.0, || Some(ProgramCall::ShutdownWrite(result)));
        result
    }
    /// shutdown(2) of the receiving side: nothing is sent; what still comes can be read (Linux).
    ///
    /// # Errors
    /// ENOTCONN.
    pub fn shutdown_read(&mut self, ctx: &mut Ctx<'_>, id: SocketId) -> Result<(), Errno> {
        let conn = self.connection(id)?;
        ctx.out.call(ctx.out.mark(), id.0, || Some(ProgramCall::ShutdownRead(Ok(()))));
        if let Some(tcb) = self.tcp.tcb_mut(conn) {
            tcb.shutdown_read();
        }
        self.sockets.get_mut(id)?.read_shut = true;
        Ok(())
    }
    /// close(2).
    ///
    /// # Errors
    /// EBADF.
    pub fn close(&mut self, ctx: &mut Ctx<'_>, id: SocketId) -> Result<(), Errno> {
        self.close_because(ctx, id, Rule::CloseCall)
    }
    fn close_because(&mut self, ctx: &mut Ctx<'_>, id: SocketId, why: Rule) -> Result<(), Errno> {
        let socket = self.sockets.remove(id).ok_or(Errno::EBADF)?;
        self.processes.give_back(socket.process, socket.fd);
        let mark = ctx.out.mark();
        match socket.kind {
            Kind::Fresh => {}
            Kind::Listener(listener) => {
                let why = if why == Rule::CloseCall { Rule::CloseListen } else { why };
                self.close_listener(ctx, listener, why);
            }
            Kind::Connection(conn) => {
                self.stream_gone(ctx, conn);
                self.tcp.set_holder(conn, Holder::Nobody);
                self.call(ctx, conn, |tcb, now, out| tcb.close_because(now, why, out));
            }
        }
        if let Some((_, port)) = socket.bound {
            self.tcp.ports.give_back(port, true);
        }
        ctx.out.call(mark, id.0, || Some(ProgramCall::Close));
        Ok(())
    }
    /// Tells the checker that no program will read or write this connection any more.
    pub(in crate::host) fn stream_gone(&self, ctx: &mut Ctx<'_>, conn: ConnId) {
        ctx.out.stream(ctx.now, || self.stream_end(conn).map(StreamEvent::Gone));
        self.flow(ctx, conn, |_| FlowEvent::Closed);
    }
    /// The host loses all that it remembers: so do its programs.
    pub(in crate::host) fn all_gone(&self, ctx: &mut Ctx<'_>) {
        for socket in self.sockets.list.iter().flatten() {
            if let Kind::Connection(conn) = socket.kind {
                self.stream_gone(ctx, conn);
            }
        }
    }
    /// The process is killed: its sockets are closed, the lowest descriptor first.
    pub(in crate::host) fn exit(&mut self, ctx: &mut Ctx<'_>, process: u32) {
        for id in self.sockets.of_process(process) {
            // Each is there: it was just listed.
            let _ = self.close_because(ctx, id, Rule::ProgramKilled);
        }
    }
}
