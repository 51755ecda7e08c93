//! The load: clients that send a packet, check the reply, and send the next.
//!
//! One thread looks at all connections in turn, on sockets that do not block. A sleeping thread for each connection
//! was tried: waking it costs the server half as much again for each reply.

use crate::common::show;
use crate::script::Packet;
use std::io::{Error, ErrorKind, Read, Result, Write};
use std::net::{SocketAddr, TcpStream};
use std::thread;
use std::time::{Duration, Instant};

/// A server that answers no connection for so long is given up.
const PATIENCE: Duration = Duration::from_secs(5);

/// What was seen of one server in one round.
pub struct Outcome {
    pub elapsed: Duration,
    /// From sending a packet to the end of its reply, in ascending order.
    latencies: Vec<Duration>,
}

impl Outcome {
    pub fn packets(&self) -> usize {
        self.latencies.len()
    }

    pub fn percentile(&self, percent: usize) -> Duration {
        let index = self.latencies.len() * percent / 100;
        self.latencies.get(index).copied().unwrap_or_default()
    }
}

/// Sends all packets once, so that whatever is asked for later is a hit.
pub fn fill(address: SocketAddr, packets: &[Packet]) -> Result<()> {
    let mut lane = Lane::connect(address, packets)?;
    packets.iter().try_for_each(|_| lane.wait())
}

/// Opens the connections of a row. Each has had a packet answered before the next one knocks: no server is judged by
/// its queue of unaccepted connections.
pub fn connect<'a>(
    address: SocketAddr,
    packets: &'a [Packet],
    connections: usize,
) -> Result<Vec<Lane<'a>>> {
    let open = |number| {
        let mut lane = Lane::connect(address, packets)?;
        lane.current = number * packets.len() / connections;
        lane.wait()?;
        lane.stream.set_nonblocking(true)?;
        Ok(lane)
    };
    (0..connections).map(open).collect()
}

/// Keeps all connections busy for so long. After each reply the clients think, all of them: zero never lets the
/// server rest, some microseconds do, and a server that rests must be woken.
pub fn run(lanes: &mut [Lane], time: Duration, think: Duration) -> Result<Outcome> {
    let mut buffer = [0; 16 * 1024];
    let mut latencies = Vec::with_capacity(1 << 18);
    let start = Instant::now();
    let mut last_reply = start;
    while last_reply - start < time {
        let before = latencies.len();
        for lane in lanes.iter_mut() {
            latencies.extend(lane.advance(&mut buffer, think)?);
        }
        if latencies.len() > before {
            last_reply = Instant::now();
        } else if last_reply.elapsed() > PATIENCE {
            return Err(Error::new(ErrorKind::TimedOut, "no reply any more"));
        } else {
            thread::yield_now();
        }
    }
    latencies.sort_unstable();
    Ok(Outcome {
        elapsed: last_reply - start,
        latencies,
    })
}

/// One connection and its place in the script.
pub struct Lane<'a> {
    stream: TcpStream,
    packets: &'a [Packet],
    current: usize,
    /// Bytes of the current request and of its reply that are through.
    sent: usize,
    received: usize,
    since: Instant,
}

impl<'a> Lane<'a> {
    fn connect(address: SocketAddr, packets: &'a [Packet]) -> Result<Self> {
        let stream = TcpStream::connect_timeout(&address, PATIENCE)?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        Ok(Lane {
            stream,
            packets,
            current: 0,
            sent: 0,
            received: 0,
            since: Instant::now(),
        })
    }

    /// One reply, on a socket that blocks.
    fn wait(&mut self) -> Result<()> {
        let start = Instant::now();
        while self.advance(&mut [0; 4096], Duration::ZERO)?.is_none() {
            if start.elapsed() >= PATIENCE {
                return Err(Error::new(ErrorKind::TimedOut, "no reply"));
            }
        }
        Ok(())
    }

    /// One look at the socket. When a reply is complete, tells how long it took, and sends the next packet.
    fn advance(&mut self, buffer: &mut [u8], think: Duration) -> Result<Option<Duration>> {
        self.send()?;
        let Some(count) = ready(self.stream.read(buffer))? else {
            return Ok(None);
        };
        let packet = &self.packets[self.current];
        check(&buffer[..count], &packet.reply[self.received..])?;
        self.received += count;
        if self.received < packet.reply.len() {
            return Ok(None);
        }
        let now = Instant::now();
        let latency = now - self.since;
        while now.elapsed() < think {}
        self.current = (self.current + 1) % self.packets.len();
        (self.sent, self.received, self.since) = (0, 0, now + think);
        self.send()?;
        Ok(Some(latency))
    }

    fn send(&mut self) -> Result<()> {
        let rest = &self.packets[self.current].request[self.sent..];
        if !rest.is_empty() {
            self.sent += ready(self.stream.write(rest))?.unwrap_or(0);
        }
        Ok(())
    }
}

/// A wrong reply is an error, not an operation.
fn check(got: &[u8], expected: &[u8]) -> Result<()> {
    if got.is_empty() {
        return Err(Error::new(ErrorKind::UnexpectedEof, "hung up"));
    }
    if expected.starts_with(got) {
        return Ok(());
    }
    let (got, expected) = (show(got), show(expected));
    let text = format!("wrong reply\nexpected: {expected}\n     got: {got}");
    Err(Error::new(ErrorKind::InvalidData, text))
}

/// What a socket could do without waiting, if anything.
fn ready(result: Result<usize>) -> Result<Option<usize>> {
    match result {
        Ok(count) => Ok(Some(count)),
        Err(error) if error.kind() == ErrorKind::WouldBlock => Ok(None),
        Err(error) => Err(error),
    }
}
