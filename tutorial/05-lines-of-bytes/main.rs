mod connection;
mod server;

use server::{Session, Store};
use std::io::Result;
use std::net::TcpListener;
use std::sync::Arc;
use std::thread;

fn main() -> Result<()> {
    let address = std::env::args().nth(1);
    let listener = TcpListener::bind(address.as_deref().unwrap_or("127.0.0.1:11211"))?;
    println!("listening on {}", listener.local_addr()?);
    let store: Arc<Store> = Arc::default();
    for stream in listener.incoming().flatten() {
        let store = Arc::clone(&store);
        let _ = thread::Builder::new().spawn(move || Session::new(&stream, &store).talk());
    }
    Ok(())
}
