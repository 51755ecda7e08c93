use std::collections::HashMap;
use std::io::{BufRead, BufReader, Read, Result, Write, copy, sink};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

fn main() -> Result<()> {
    let address = std::env::args().nth(1);
    let listener = TcpListener::bind(address.as_deref().unwrap_or("127.0.0.1:11211"))?;
    println!("listening on {}", listener.local_addr()?);
    let store: Arc<Mutex<HashMap<String, Vec<u8>>>> = Arc::default();
    for stream in listener.incoming().flatten() {
        let store = Arc::clone(&store);
        let _ = std::thread::Builder::new().spawn(move || handle(&stream, &store));
    }
    Ok(())
}

fn handle(mut stream: &TcpStream, store: &Mutex<HashMap<String, Vec<u8>>>) -> Result<()> {
    let mut reader = BufReader::new(stream);
    while !reader.fill_buf()?.is_empty() {
        let mut line = String::new();
        reader.read_line(&mut line)?;
        let words: Vec<&str> = line.split_whitespace().collect();
        let length = words.get(4).and_then(|bytes| bytes.parse::<u32>().ok());
        let reply = match (&words[..], length) {
            (["set", _, _, _, ..], Some(length @ 1_048_577..)) => {
                copy(&mut reader.by_ref().take(length as u64 + 2), &mut sink())?;
                b"SERVER_ERROR object too large for cache\r\n".to_vec()
            }
            (["set", key, flags, _exptime, ..], Some(length)) => {
                let mut item = format!("VALUE {key} {flags} {length}\r\n").into_bytes();
                let mut block = vec![0; length as usize + 2];
                reader.read_exact(&mut block)?;
                item.append(&mut block);
                store.lock().unwrap().insert(key.to_string(), item);
                b"STORED\r\n".to_vec()
            }
            (["get", _, ..], _) => {
                let items = store.lock().unwrap();
                let found = words[1..].iter().filter_map(|key| items.get(*key));
                found.flatten().chain(b"END\r\n").copied().collect()
            }
            (["quit"], _) => return Ok(()),
            _ => b"ERROR\r\n".to_vec(),
        };
        if words.last() != Some(&"noreply") || words[0] == "get" {
            stream.write_all(&reply)?;
        }
    }
    Ok(())
}
