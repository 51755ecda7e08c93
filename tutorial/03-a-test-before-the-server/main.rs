use std::io::{BufRead, BufReader, Read, Result, Write};
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
    let mut reader = BufReader::new(stream.try_clone()?);
    let mut line = String::new();
    while reader.read_line(&mut line)? > 0 {
        let words: Vec<&str> = line.split_whitespace().collect();
        match &words[..] {
            ["quit"] => return Ok(()),
            ["get", keys @ ..] => writeln!(stream, "you want to know {keys:?}")?,
            ["set", key, flags, exptime, bytes, noreply @ ..] => {
                writeln!(stream, "you want to store {bytes} bytes under {key}")?;
                writeln!(stream, "with flags {flags}, exptime {exptime}, {noreply:?}")?;
                let Ok(length) = bytes.parse::<usize>() else {
                    writeln!(stream, "but {bytes} is not a length")?;
                    return Ok(());
                };
                let mut data = vec![0; length + 2];
                reader.read_exact(&mut data)?;
                writeln!(stream, "and the data block is {}", data.escape_ascii())?;
            }
            _ => writeln!(stream, "ERROR")?,
        }
        line.clear();
    }
    Ok(())
}
