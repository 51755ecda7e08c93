//! The tutorial as a web book, in a browser: `mdbook build tutorial` makes it, Chromium opens every page.
//!
//! Both are installed programs: `cargo install mdbook --locked`, `apt-get install chromium`. The pages come from Python's
//! own web server, since a browser does not let pages from a disk search or copy.

mod common;

use common::{PATIENCE, Server, free_address, project, scratch};
use std::collections::BTreeSet;
use std::fs;
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::thread;
use std::time::{Duration, Instant};

/// The book, built once for each test, and a server of its pages.
struct Book {
    folder: PathBuf,
    server: Server,
}

impl Book {
    fn build(test: &str) -> Book {
        let folder = scratch(&format!("book-{test}"));
        let _ = fs::remove_dir_all(&folder);
        let mut mdbook = Command::new("mdbook");
        mdbook.arg("build").arg(project().join("tutorial"));
        let output = mdbook.arg("--dest-dir").arg(&folder).output();
        let output = output.expect("mdbook is needed here: cargo install mdbook --locked");
        assert!(output.status.success(), "mdbook: {}", said(&output));
        let address = free_address();
        let mut python = Command::new("python3");
        python.args(["-m", "http.server", &address.port().to_string()]);
        python
            .args(["--bind", "127.0.0.1", "--directory"])
            .arg(&folder);
        let python = python.stdout(Stdio::null()).stderr(Stdio::null());
        let child = python.spawn().expect("python3 is needed here");
        let server = Server {
            address,
            child,
            stdout: None,
        };
        let end = Instant::now() + 6 * PATIENCE;
        while TcpStream::connect(address).is_err() {
            assert!(Instant::now() < end, "python3 serves no pages");
            thread::sleep(Duration::from_millis(50));
        }
        Book { folder, server }
    }

    /// Its pages, by their paths in the book.
    fn pages(&self) -> Vec<String> {
        let pages = files(&self.folder, ".html");
        let own = |page: &String| !["404.html", "toc.html", "print.html"].contains(&page.as_str());
        pages.into_iter().filter(own).collect()
    }

    fn text(&self, page: &str) -> String {
        fs::read_to_string(self.folder.join(page)).expect("a page")
    }

    /// Opens a page, waits for what its scripts do, and returns the document as it is then, and what the browser complains
    /// about.
    fn open(&self, page: &str, dark: bool) -> (String, Vec<String>) {
        let mut browser = Command::new("chromium");
        browser.args(["--headless=new", "--no-sandbox", "--disable-gpu"]);
        browser.args(["--enable-logging=stderr", "--virtual-time-budget=10000"]);
        browser.arg(format!(
            "--user-data-dir={}",
            self.folder.join("profile").display()
        ));
        let scheme = if dark { 0 } else { 1 };
        browser.arg(format!("--blink-settings=preferredColorScheme={scheme}"));
        browser.arg("--dump-dom");
        let output = browser.arg(format!("http://{}/{page}", self.server.address));
        let output = output
            .output()
            .expect("chromium is needed here: apt-get install chromium");
        let complaints = String::from_utf8_lossy(&output.stderr);
        let complaints = complaints.lines().filter(|line| line.contains(":CONSOLE"));
        let complaints = complaints.map(str::to_string).collect();
        (
            String::from_utf8_lossy(&output.stdout).into_owned(),
            complaints,
        )
    }

    /// A copy of a page with a script of ours at its end; what the script writes into `<pre id="told">`.
    fn told(&self, page: &str, script: &str, dark: bool) -> String {
        let copy = page.replace(".html", "-asked.html");
        let asking = format!("<pre id=\"told\"></pre><script>{script}</script></body>");
        let text = self.text(page).replacen("</body>", &asking, 1);
        fs::write(self.folder.join(&copy), text).expect("write a page");
        let (document, _) = self.open(&copy, dark);
        fs::remove_file(self.folder.join(&copy)).expect("remove a page");
        let (_, told) = document
            .split_once("<pre id=\"told\">")
            .expect("the script's place");
        let (told, _) = told.split_once("</pre>").expect("its end");
        unescaped(told)
    }
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// The files below a folder whose names end so.
fn files(folder: &Path, ending: &str) -> Vec<String> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        match entry.path().is_dir() {
            true if name == "profile" => {}
            true => {
                let inside = files(&entry.path(), ending).into_iter();
                found.extend(inside.map(|file| format!("{name}/{file}")));
            }
            false if name.ends_with(ending) => found.push(name),
            false => {}
        }
    }
    found.sort();
    found
}

fn unescaped(text: &str) -> String {
    text.replace("&lt;", "<")
        .replace("&gt;", ">")
        .replace("&amp;", "&")
}

/// What stands in the double quotes behind each `name=` of a page.
fn attributes<'a>(text: &'a str, name: &'a str) -> impl Iterator<Item = &'a str> {
    let quoted = |(start, mark): (usize, &str)| text[start + mark.len()..].split('"').next();
    text.match_indices(name).filter_map(quoted)
}

#[test]
#[ignore = "needs mdbook and chromium: cargo install mdbook --locked, apt-get install chromium"]
fn every_page_opens_without_a_complaint() {
    let book = Book::build("opens");
    let pages = book.pages();
    assert!(pages.len() > 20, "{pages:?}");
    for page in &pages {
        let (document, complaints) = book.open(page, false);
        assert!(document.contains("</html>"), "{page} did not open");
        assert_eq!(complaints, Vec::<String>::new(), "{page}");
    }
}

#[test]
#[ignore = "needs mdbook: cargo install mdbook --locked"]
fn no_link_is_dead() {
    let book = Book::build("links");
    let mut dead = BTreeSet::new();
    for page in book.pages() {
        let text = book.text(&page);
        let links = attributes(&text, " href=\"").chain(attributes(&text, " src=\""));
        for link in links.filter(|link| !link.contains(":")) {
            let (path, anchor) = link.split_once('#').unwrap_or((link, ""));
            let folder = Path::new(&page).parent().expect("a folder");
            let target = match path {
                "" => PathBuf::from(&page),
                path => folder.join(path),
            };
            let file = book.folder.join(&target);
            let in_book = !target.components().any(|part| part.as_os_str() == "..");
            let has_anchor = || {
                let text = fs::read_to_string(&file).unwrap_or_default();
                text.contains(&format!("id=\"{anchor}\""))
            };
            if !in_book || !file.is_file() || !anchor.is_empty() && !has_anchor() {
                dead.insert(format!("{page}: {link}"));
            }
        }
    }
    assert!(dead.is_empty(), "{} dead links: {dead:#?}", dead.len());
}

#[test]
#[ignore = "needs mdbook and chromium: cargo install mdbook --locked, apt-get install chromium"]
fn the_search_finds_cas() {
    let book = Book::build("search");
    let (document, _) = book.open("index.html?search=cas", false);
    let (_, results) = document
        .split_once("id=\"mdbook-searchresults\"")
        .or(document.split_once("id=\"searchresults\""))
        .expect("a list of results");
    let found = results.matches("<li").count();
    let chapter = results.contains("09-two-clients-one-value.html");
    assert!(found > 0 && chapter, "{found} results");
}

/// The button copies through the clipboard or through a selected text field; the script takes it from either.
#[test]
#[ignore = "needs mdbook and chromium: cargo install mdbook --locked, apt-get install chromium"]
fn the_copy_button_copies_just_the_block() {
    let book = Book::build("copies");
    let script = r#"
        const told = text => { document.getElementById('told').textContent = text; };
        document.execCommand = () => { told(document.activeElement.value); return true; };
        Object.defineProperty(navigator, 'clipboard', { value: { writeText: async text => told(text) } });
        window.addEventListener('load', () => {
            const blocks = [...document.querySelectorAll('pre')];
            const block = blocks.find(pre => pre.querySelector('code.language-rust') && pre.querySelector('.clip-button'));
            block.querySelector('.clip-button').click();
        });"#;
    let chapter = "01-a-server-that-shouts";
    let copied = book.told(&format!("{chapter}.html"), script, false);
    let markdown = fs::read_to_string(project().join(format!("tutorial/{chapter}.md")));
    let markdown = markdown.expect("chapter 1");
    let (_, block) = markdown
        .split_once("```rust main.rs\n")
        .expect("its first block");
    let (block, _) = block.split_once("```").expect("its end");
    assert_eq!(copied.trim_end(), block.trim_end());
}

/// Its darkest and its lightest point, each from 0 to 1, of what is not transparent: before a light page a picture needs
/// something dark, before a dark one something light.
#[test]
#[ignore = "needs mdbook and chromium: cargo install mdbook --locked, apt-get install chromium"]
fn every_picture_shows_in_light_and_in_dark() {
    let book = Book::build("pictures");
    let pictures = files(&book.folder, ".svg");
    let pictures: Vec<String> = pictures
        .into_iter()
        .filter(|file| file.starts_with(|first: char| first.is_ascii_digit()))
        .collect();
    assert!(pictures.len() > 4, "{pictures:?}");
    let list = pictures.iter().map(|file| format!("'{file}'"));
    let list = list.collect::<Vec<_>>().join(",");
    let script = format!(
        r#"
        const said = [];
        const measure = file => new Promise(done => {{
            const image = new Image();
            image.onerror = () => {{ said.push(file + ' 9 9'); done(); }};
            image.onload = () => {{
                const canvas = document.createElement('canvas');
                [canvas.width, canvas.height] = [400, 300];
                const context = canvas.getContext('2d');
                context.drawImage(image, 0, 0, 400, 300);
                let [dark, light] = [1, 0];
                const pixels = context.getImageData(0, 0, 400, 300).data;
                for (let i = 0; i < pixels.length; i += 4) {{
                    if (pixels[i + 3] < 200) continue;
                    const value = (0.2 * pixels[i] + 0.7 * pixels[i + 1] + 0.1 * pixels[i + 2]) / 255;
                    [dark, light] = [Math.min(dark, value), Math.max(light, value)];
                }}
                said.push(file + ' ' + dark + ' ' + light);
                done();
            }};
            image.src = file;
        }});
        (async () => {{
            for (const file of [{list}]) await measure(file);
            document.getElementById('told').textContent = said.join('\n');
        }})();"#
    );
    for dark in [false, true] {
        let told = book.told("index.html", &script, dark);
        assert_eq!(told.lines().count(), pictures.len(), "{told}");
        for line in told.lines() {
            let mut words = line.split(' ').skip(1).map(|word| word.parse::<f64>());
            let mut next = || words.next().expect("a word").expect("a number");
            let (darkest, lightest) = (next(), next());
            let shows = if dark {
                lightest > 0.7 && lightest <= 1.0
            } else {
                darkest < 0.4
            };
            assert!(shows, "in {}: {line}", if dark { "dark" } else { "light" });
        }
    }
}
