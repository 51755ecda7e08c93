//! The checks that have a name of their own: one for every rung of the chapters that are told as ladders.
//!
//! A check is red for the program before its rung and green for the one after it; `tests/tutorial.rs` proves both.

use crate::common::{Connection, PATIENCE};
use crate::peer::{Peer, Verdict, check, random_key};
use crate::readers::{Lie, Readers};
use std::io::Write;
use std::thread;
use std::time::Duration;

#[path = "checkpoints/memory.rs"]
mod memory;
#[path = "checkpoints/process.rs"]
mod process;

#[path = "checkpoints/ch05.rs"]
mod ch05;
#[path = "checkpoints/ch06.rs"]
mod ch06;
#[path = "checkpoints/ch07.rs"]
mod ch07;
#[path = "checkpoints/ch08.rs"]
mod ch08;
#[path = "checkpoints/ch09.rs"]
mod ch09;
#[path = "checkpoints/ch10.rs"]
mod ch10;
#[path = "checkpoints/ch11.rs"]
mod ch11;
#[path = "checkpoints/ch12.rs"]
mod ch12;
#[path = "checkpoints/ch13.rs"]
mod ch13;
#[path = "checkpoints/ch14.rs"]
mod ch14;
#[path = "checkpoints/ch15.rs"]
mod ch15;
#[path = "checkpoints/ch16.rs"]
mod ch16;
#[path = "checkpoints/ch17.rs"]
mod ch17;
#[path = "checkpoints/ch18.rs"]
mod ch18;
#[path = "checkpoints/ch19.rs"]
mod ch19;
#[path = "checkpoints/ch20.rs"]
mod ch20;
#[path = "checkpoints/ch21.rs"]
mod ch21;
#[path = "checkpoints/ch22.rs"]
mod ch22;
#[path = "checkpoints/ch23.rs"]
mod ch23;
#[path = "checkpoints/ch24.rs"]
mod ch24;
#[path = "checkpoints/ch25.rs"]
mod ch25;
pub use ch05::*;
pub use ch06::*;
pub use ch07::*;
pub use ch08::*;
pub use ch09::*;
pub use ch10::*;
pub use ch11::*;
pub use ch12::*;
pub use ch13::*;
pub use ch14::*;
pub use ch15::*;
pub use ch16::*;
pub use ch17::*;
pub use ch18::*;
pub use ch19::*;
pub use ch20::*;
pub use ch21::*;
pub use ch22::*;
pub use ch23::*;
pub use ch24::*;
pub use ch25::*;

/// What a check judges: a server, or the tests that the reader writes in chapter 3.
#[derive(Clone, Copy)]
pub enum Check {
    Server(fn(&Peer) -> Verdict),
    Tests(fn(&Readers) -> Verdict),
}

/// Calls a macro with the name of every check, and with what it judges.
macro_rules! named_checks {
    ($each:ident) => {
        $each! {
            ch01_the_next_client_is_served Server
            ch01_one_bad_client_does_not_end_the_server Server
            ch01_bytes_need_not_be_text Server
            ch01_nobody_waits_for_a_silent_client Server
            ch02_two_commands_in_one_packet_are_two Server
            ch02_one_command_in_three_packets_is_one Server
            ch02_a_data_block_is_no_command Server
            ch02_a_value_may_contain_the_end_of_a_line Server
            ch03_whoever_says_anything_is_found_out Tests
            ch03_a_failure_tells_what_was_sent_and_what_came Tests
            ch03_an_answer_learned_by_heart_is_found_out Tests
            ch03_silence_is_found_out Tests
            ch03_lost_flags_are_found_out Tests
            ch03_an_answer_to_noreply_is_found_out Tests
            ch03_a_value_cut_short_is_found_out Tests
            ch03_a_server_that_knows_every_command_is_found_out Tests
            ch04_what_is_set_can_be_got Server
            ch04_the_next_client_finds_it Server
            ch04_nobody_waits_while_a_block_is_read Server
            ch04_a_length_is_only_a_claim Server
            ch04_noreply_is_silent Server
            ch05_a_key_need_not_be_text Server
            ch05_only_a_space_separates Server
            ch05_a_line_without_an_end_is_hung_up_on Server
            ch05_a_get_may_ask_for_many_keys Server
            ch05_a_client_that_counts_wrong_is_told_so Server
            ch06_a_number_is_a_number Server
            ch06_a_refused_set_swallows_its_block Server
            ch06_a_length_is_a_length Server
            ch06_a_key_has_at_most_250_bytes Server
            ch06_a_get_may_be_refused Server
            ch06_only_the_understood_may_be_silent Server
            ch07_a_panic_costs_one_client Server
            ch07_what_is_deleted_is_gone Server
            ch07_a_key_may_be_called_noreply Server
            ch07_no_command_forgets_the_poison Server
            ch07_a_refused_value_leaves_no_stale_one Server
            ch08_add_stores_only_where_nothing_is Server
            ch08_an_add_looks_when_its_block_is_there Server
            ch08_append_keeps_what_is_there Server
            ch08_no_append_is_lost Server
            ch08_no_value_outgrows_the_limit Server
            ch08_only_a_set_throws_out Server
            ch09_incr_counts_in_the_server Server
            ch09_incr_wraps_and_decr_stops_at_0 Server
            ch09_a_number_never_gets_shorter Server
            ch09_cas_stores_only_over_what_was_seen Server
            ch09_a_cas_unique_never_comes_twice Server
            ch09_a_refused_cas_takes_its_block_along Server
            ch10_a_negative_exptime_is_gone_at_once Server
            ch10_a_value_lives_so_many_seconds Server
            ch10_nobody_sees_what_has_expired Server
            ch10_a_change_does_not_lengthen_a_life Server
            ch10_a_large_exptime_is_a_time_of_the_calendar Server
            ch11_touch_gives_a_longer_life Server
            ch11_gat_gets_and_touches_in_one_step Server
            ch11_flush_all_throws_out_everything Server
            ch11_a_flush_with_a_delay_does_not_flush_yet Server
            ch11_a_flush_happens_when_its_moment_comes Server
            ch12_two_gets_in_one_packet_wait_for_nobody Server
            ch12_no_reply_waits_for_half_a_command Server
            ch12_a_short_line_does_not_fill_the_memory Server
            ch12_a_large_value_waits_for_nobody Server
            ch12_slow_readers_share_one_value Server
            ch13_memory_has_a_bound Server
            ch13_not_everything_goes_for_one_item Server
            ch13_what_is_asked_for_stays Server
            ch13_what_was_just_stored_is_there Server
            ch13_the_hand_begins_again_at_the_oldest Server
            ch13_a_small_item_weighs_more_than_its_bytes Server
            ch14_the_port_is_an_option Server
            ch14_a_wrong_value_starts_no_server Server
            ch14_a_line_of_a_service_file_is_understood Server
            ch14_an_item_is_more_than_its_value Server
            ch14_the_first_of_two_addresses_is_served Server
            ch14_nobody_need_take_what_it_says Server
            ch15_a_silent_client_is_hung_up_on Server
            ch15_a_stopped_server_keeps_its_clients Server
            ch15_a_client_too_many_is_told Server
            ch15_a_place_is_free_again Server
            ch15_everybody_hears_something Server
            ch16_hits_and_misses_can_be_seen Server
            ch16_eight_clients_at_once_are_all_counted Server
            ch16_stats_tells_how_full_it_is Server
            ch16_what_is_not_there_is_counted_too Server
            ch16_verbosity_turns_the_conversation_on Server
            ch16_a_lost_stderr_harms_no_client Server
            ch17_a_value_is_kept_once Server
            ch17_five_apples_and_one_are_six Server
            ch17_the_dead_go_before_the_living Server
            ch17_who_is_only_written_is_not_spared Server
            ch17_a_counter_keeps_its_mark Server
            ch17_stats_tells_what_nobody_asked_for Server
            ch18_a_row_takes_less_than_a_tree Server
            ch18_who_is_gone_takes_no_memory Server
            ch18_nobody_gets_what_is_somebody_elses Server
            ch18_the_oldest_goes_wherever_it_stands Server
            ch18_the_hand_goes_on_when_its_item_leaves Server
            ch18_an_item_weighs_what_it_takes Server
            ch19_what_is_on_its_way_is_counted Server
            ch19_what_fails_on_its_way_is_forgotten Server
            ch19_a_full_server_says_so Server
            ch19_a_refusal_costs_nobody_an_item Server
            ch19_what_slow_readers_hold_is_counted Server
            ch19_memory_that_is_not_there_is_one_clients_error Server
            ch20_nobody_waits_while_a_flush_frees Server
            ch20_a_slow_reader_holds_little Server
            ch20_the_dead_leave_before_the_living Server
            ch20_the_same_items_weigh_the_same Server
            ch20_all_threads_share_one_heap Server
            ch20_holes_count Server
            ch21_seven_thousand_keys_are_one_line Server
            ch21_a_long_line_asks_for_room Server
            ch21_a_line_is_not_cut_before_it_is_needed Server
            ch21_a_bad_line_swallows_its_block Server
            ch21_who_speaks_another_language_is_hung_up_on Server
            ch21_a_tab_may_stand_beside_a_number Server
            ch22_a_client_in_a_hurry_finds_the_server_awake Server
            ch22_a_slow_reader_gets_all_of_it Server
            ch22_a_busy_neighbour_is_noticed Server
            ch23_an_item_tells_what_it_is Server
            ch23_a_value_follows_its_line Server
            ch23_every_answer_says_whose_it_is Server
            ch23_a_quiet_miss_is_silent Server
            ch23_a_look_is_answered_before_it_counts Server
            ch23_a_wrong_letter_is_told_so Server
            ch24_an_ms_takes_its_block_along Server
            ch24_a_refused_ms_swallows_its_block Server
            ch24_a_mode_is_a_letter Server
            ch24_an_append_can_be_compared Server
            ch24_an_md_deletes_what_was_meant Server
            ch24_a_counter_begins_by_itself Server
            ch25_one_of_the_herd_wins Server
            ch25_a_stale_page_is_served Server
            ch25_a_late_page_is_stored_as_stale Server
            ch25_one_renews_it_early Server
            ch25_any_bytes_are_a_key Server
        }
    };
}
#[allow(unused_imports)] // tests/tutorial.rs needs the table alone
pub(crate) use named_checks;

macro_rules! table {
    ($($name:ident $judges:ident)*) => {
        /// Every check by its name.
        pub const NAMED: &[(&str, Check)] = &[$((stringify!($name), Check::$judges($name))),*];
    };
}
named_checks!(table);

/// The options with which a server is started that this check judges, if it needs any.
#[allow(dead_code)] // tests/tutorial.rs reads them in the prose
pub fn options(name: &str) -> &'static [&'static str] {
    let all = [
        ch14::OPTIONS,
        ch15::OPTIONS,
        ch17::OPTIONS,
        ch18::OPTIONS,
        ch19::OPTIONS,
        ch20::OPTIONS,
        ch21::OPTIONS,
    ];
    let mut all = all.into_iter().flatten();
    all.find(|(known, _)| *known == name)
        .map_or(&[], |(_, options)| *options)
}

/// A client that waits for a reply only so long; an error if nobody accepts it.
fn client(peer: &Peer) -> Result<Connection, String> {
    let connection = peer.try_connect()?;
    let set = connection.stream.set_read_timeout(Some(PATIENCE));
    set.and_then(|()| connection.stream.set_nodelay(true))
        .map_err(|error| error.to_string())?;
    Ok(connection)
}

/// Sends, even to a server that has gone, and wants exactly this reply.
fn exchange(connection: &mut Connection, sent: impl AsRef<[u8]>, expected: &[u8]) -> Verdict {
    let _ = connection.stream.write_all(sent.as_ref());
    check(sent, expected, &connection.receive(expected.len()))
}

/// All that comes until the server hangs up or falls silent, by lines.
fn lines(connection: &mut Connection, sent: &str) -> Vec<String> {
    let _ = connection.stream.write_all(sent.as_bytes());
    let got = connection.receive(1 << 20);
    let text = String::from_utf8_lossy(&got);
    text.lines().map(str::to_string).collect()
}

fn is_shouted_at(peer: &Peer) -> Verdict {
    exchange(&mut client(peer)?, "hello\n", b"HELLO")
}

pub fn ch01_the_next_client_is_served(peer: &Peer) -> Verdict {
    is_shouted_at(peer)?;
    is_shouted_at(peer)
}

pub fn ch01_one_bad_client_does_not_end_the_server(peer: &Peer) -> Verdict {
    let mut bad = client(peer)?;
    let _ = bad.stream.write_all(b"\xff\xfe\n");
    bad.receive(1 << 20);
    is_shouted_at(peer).map_err(|what| format!("after a client sent FF FE: {what}"))
}

pub fn ch01_bytes_need_not_be_text(peer: &Peer) -> Verdict {
    exchange(&mut client(peer)?, b"caf\xe9\n", b"CAF\xe9")
}

pub fn ch01_nobody_waits_for_a_silent_client(peer: &Peer) -> Verdict {
    let _silent = client(peer)?;
    is_shouted_at(peer).map_err(|what| format!("while another client is silent: {what}"))
}

/// One line of the reply for each of these, in this order, that names it; and nothing else.
fn name(sent: &str, got: &[String], expected: &[&str]) -> Verdict {
    let named = |(line, word): (&String, &&str)| line.contains(*word);
    match got.len() == expected.len() && got.iter().zip(expected).all(named) {
        true => Ok(()),
        false => Err(format!(
            "\n    sent: {sent:?}\nexpected: a line for each of {expected:?}\n     got: {got:?}\n"
        )),
    }
}

pub fn ch02_two_commands_in_one_packet_are_two(peer: &Peer) -> Verdict {
    let (a, b) = (random_key(), random_key());
    let sent = format!("get {a}\r\nget {b}\r\nquit\r\n");
    name(&sent, &lines(&mut client(peer)?, &sent), &[&a, &b])
}

/// Cut in several places: a slow server finds some of the pieces together.
pub fn ch02_one_command_in_three_packets_is_one(peer: &Peer) -> Verdict {
    for cut in 1..6 {
        let key = random_key();
        let sent = format!("get {key}\r\nquit\r\n");
        let (first, rest) = sent.split_at(cut);
        let (second, third) = rest.split_at(8);
        let mut connection = client(peer)?;
        for piece in [first, second] {
            let _ = connection.stream.write_all(piece.as_bytes());
            thread::sleep(Duration::from_millis(30));
        }
        name(&sent, &lines(&mut connection, third), &[&key])?;
    }
    Ok(())
}

/// A line or more about the `set`, one about the `get`, and none of them what a line of the value is told that comes alone.
fn understands(peer: &Peer, value: &str) -> Verdict {
    let (a, b) = (random_key(), random_key());
    let sent = format!(
        "set {a} 0 0 {}\r\n{value}\r\nget {b}\r\nquit\r\n",
        value.len()
    );
    let got = lines(&mut client(peer)?, &sent);
    let alone = lines(&mut client(peer)?, &format!("{value}\r\nquit\r\n"));
    let names = |line: Option<&String>, key: &str| line.is_some_and(|line| line.contains(key));
    let taken = got.iter().any(|line| alone.contains(line));
    match names(got.first(), &a) && names(got.last(), &b) && !taken {
        true => Ok(()),
        false => Err(format!(
            "\n    sent: {sent:?}\nexpected: first a line that names {a}, last one that names {b}, and none of {alone:?}\n     got: {got:?}\n"
        )),
    }
}

pub fn ch02_a_data_block_is_no_command(peer: &Peer) -> Verdict {
    understands(peer, "hello")
}

pub fn ch02_a_value_may_contain_the_end_of_a_line(peer: &Peer) -> Verdict {
    understands(peer, "a\r\nb\nc")
}

pub fn ch03_whoever_says_anything_is_found_out(tests: &Readers) -> Verdict {
    tests.tell(Lie::SaysAnything)
}

pub fn ch03_a_failure_tells_what_was_sent_and_what_came(tests: &Readers) -> Verdict {
    let (_, said) = tests.judge(Lie::SaysAnything)?;
    for word in ["set greeting 0 0 5", "you said"] {
        if !said.contains(word) {
            return Err(format!("a failure does not show {word:?}:\n{said}"));
        }
    }
    Ok(())
}

pub fn ch03_an_answer_learned_by_heart_is_found_out(tests: &Readers) -> Verdict {
    tests.tell(Lie::LearnedByHeart)
}

pub fn ch03_silence_is_found_out(tests: &Readers) -> Verdict {
    tests.tell(Lie::SaysNothing)
}

pub fn ch03_lost_flags_are_found_out(tests: &Readers) -> Verdict {
    tests.tell(Lie::LosesFlags)
}

pub fn ch03_an_answer_to_noreply_is_found_out(tests: &Readers) -> Verdict {
    tests.tell(Lie::AnswersNoreply)
}

pub fn ch03_a_value_cut_short_is_found_out(tests: &Readers) -> Verdict {
    tests.tell(Lie::CutsAtTheLine)
}

pub fn ch03_a_server_that_knows_every_command_is_found_out(tests: &Readers) -> Verdict {
    tests.tell(Lie::KnowsEverything)
}

fn hit(key: &str, value: &str) -> Vec<u8> {
    format!("VALUE {key} 5 {}\r\n{value}\r\nEND\r\n", value.len()).into_bytes()
}

fn set(key: &str, value: &str) -> String {
    format!("set {key} 5 0 {}\r\n{value}\r\n", value.len())
}

pub fn ch04_what_is_set_can_be_got(peer: &Peer) -> Verdict {
    let (key, value) = (random_key(), "a\r\nb");
    let mut connection = client(peer)?;
    exchange(&mut connection, set(&key, value), b"STORED\r\n")?;
    exchange(
        &mut connection,
        format!("get none {key}\r\n"),
        &hit(&key, value),
    )
}

pub fn ch04_the_next_client_finds_it(peer: &Peer) -> Verdict {
    let key = random_key();
    exchange(&mut client(peer)?, set(&key, "hello"), b"STORED\r\n")?;
    exchange(
        &mut client(peer)?,
        format!("get {key}\r\n"),
        &hit(&key, "hello"),
    )
}

/// Asked for some time: at first the server may not have read yet that a block is to come.
pub fn ch04_nobody_waits_while_a_block_is_read(peer: &Peer) -> Verdict {
    let key = random_key();
    let mut slow = client(peer)?;
    let _ = slow
        .stream
        .write_all(format!("set {key} 5 0 5\r\nhel").as_bytes());
    let mut quick = client(peer)?;
    for _ in 0..20 {
        exchange(&mut quick, "get none\r\n", b"END\r\n")
            .map_err(|what| format!("while another client sends its data block: {what}"))?;
        thread::sleep(Duration::from_millis(25));
    }
    exchange(&mut slow, "lo\r\n", b"STORED\r\n")
}

pub fn ch04_a_length_is_only_a_claim(peer: &Peer) -> Verdict {
    let key = random_key();
    for claim in ["999999999999999999", "4294967295"] {
        let mut liar = client(peer)?;
        let _ = liar
            .stream
            .write_all(format!("set {key} 5 0 {claim}\r\n").as_bytes());
    }
    let mut connection = client(peer)?;
    let large = set(&key, &"x".repeat(1024 * 1024 + 1));
    exchange(
        &mut connection,
        large,
        b"SERVER_ERROR object too large for cache\r\n",
    )?;
    exchange(&mut connection, "get none\r\n", b"END\r\n")
}

pub fn ch04_noreply_is_silent(peer: &Peer) -> Verdict {
    let key = random_key();
    let sent = format!("set {key} 5 0 5 noreply\r\nhello\r\nget {key}\r\n");
    exchange(&mut client(peer)?, sent, &hit(&key, "hello"))
}
