use std::collections::HashMap;
use std::io::{self, BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex, PoisonError};
use std::{env, process, thread};

type Store = Arc<Mutex<HashMap<String, (String, Vec<u8>)>>>;

fn main() {
    let address = env::args().nth(1).unwrap_or("127.0.0.1:11211".into());
    let listener = TcpListener::bind(&address).unwrap_or_else(|error| {
        eprintln!("cannot listen on {address}: {error}");
        process::exit(1)
    });
    println!("listening on {}", listener.local_addr().unwrap());
    let store = Store::default();
    for stream in listener.incoming().flatten() {
        let store = store.clone();
        let _ = thread::Builder::new().spawn(move || serve(&stream, &store));
    }
}

fn serve(mut stream: &TcpStream, store: &Store) -> io::Result<()> {
    let mut reader = BufReader::new(stream);
    while !reader.fill_buf()?.is_empty() {
        let mut line = String::new();
        reader.read_line(&mut line)?;
        let words: Vec<&str> = line.split_whitespace().collect();
        let items = || store.lock().unwrap_or_else(PoisonError::into_inner);
        let mut reply = Vec::new();
        match words[..] {
            ["get", _, ..] => {
                for key in &words[1..] {
                    if let Some((flags, data)) = items().get(*key) {
                        write!(reply, "VALUE {key} {flags} {}\r\n", data.len())?;
                        reply.extend_from_slice(data);
                        reply.extend_from_slice(b"\r\n");
                    }
                }
                reply.extend_from_slice(b"END\r\n");
            }
            ["quit"] => return Ok(()),
            _ => reply.extend_from_slice(b"ERROR\r\n"),
        }
        stream.write_all(&reply)?;
    }
    Ok(())
}
