mod change;
mod clock;
mod command;
mod connection;
mod eviction;
mod item;
mod server;
mod store;

use clock::Clock;
use server::{Server, Session};
use std::io::Result;
use std::net::TcpListener;
use std::sync::Arc;
use std::thread;
use std::time::Duration;
use store::Cache;

fn main() -> Result<()> {
    let mut arguments = std::env::args().skip(1);
    let address = arguments.next();
    let megabytes = arguments.next().and_then(|word| word.parse::<u32>().ok());
    let listener = TcpListener::bind(address.as_deref().unwrap_or("127.0.0.1:11211"))?;
    println!("listening on {}", listener.local_addr()?);
    let server = Arc::new(Server {
        cache: Cache::new(megabytes.unwrap_or(64) as usize * 1024 * 1024),
        clock: Clock::start(),
    });
    for stream in listener.incoming() {
        let Ok(stream) = stream else {
            thread::sleep(Duration::from_millis(10));
            continue;
        };
        let server = Arc::clone(&server);
        let _ = thread::Builder::new().spawn(move || Session::new(&stream, &server).talk());
    }
    Ok(())
}
