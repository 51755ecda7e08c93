use std::io::{Read, Result, Write};
use std::net::{TcpListener, TcpStream};
use std::{env, thread};

fn main() -> Result<()> {
    let address = env::args().nth(1);
    let listener = TcpListener::bind(address.as_deref().unwrap_or("127.0.0.1:9999"))?;
    println!("listening on {}", listener.local_addr()?);
    for stream in listener.incoming() {
        thread::spawn(|| {
            if let Err(error) = stream.and_then(handle) {
                eprintln!("lost a client: {error}");
            }
        });
    }
    Ok(())
}

fn handle(mut stream: TcpStream) -> Result<()> {
    let client = stream.peer_addr()?.ip();
    let mut buffer = [0; 1024];
    let length = stream.read(&mut buffer)?;
    let data = buffer[..length].trim_ascii();
    println!("{client} wrote:");
    println!("{}", String::from_utf8_lossy(data));
    stream.write_all(&data.to_ascii_uppercase())?;
    stream.write_all(b"\n")
}
