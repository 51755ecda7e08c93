mod change;
mod command;
mod connection;
mod item;
mod server;
mod store;

use server::Session;
use std::io::Result;
use std::net::TcpListener;
use std::sync::Arc;
use std::thread;
use std::time::Duration;
use store::Cache;

fn main() -> Result<()> {
    let address = std::env::args().nth(1);
    let listener = TcpListener::bind(address.as_deref().unwrap_or("127.0.0.1:11211"))?;
    println!("listening on {}", listener.local_addr()?);
    let cache: Arc<Cache> = Arc::default();
    for stream in listener.incoming() {
        let Ok(stream) = stream else {
            thread::sleep(Duration::from_millis(10));
            continue;
        };
        let cache = Arc::clone(&cache);
        let _ = thread::Builder::new().spawn(move || Session::new(&stream, &cache).talk());
    }
    Ok(())
}
