use std::{
    io::Write,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
};

use jiff::Timestamp;

use super::*;
use crate::plan::entry::{Ending, What};

fn entry(text: &str) -> Entry {
    Entry {
        at: Timestamp::from_second(1_767_581_580).unwrap(),
        run: Some("1a2b3c4d".to_owned()),
        step: Some(2),
        what: What::Held {
            why: text.to_owned(),
        },
    }
}

fn who() -> Who {
    Who {
        user: "ana (1000)".to_owned(),
        host: "bastion".to_owned(),
        ..Who::default()
    }
}

fn folder() -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("state").join(FILE);
    (folder, path)
}

fn write(book: &mut Book, texts: &[&str]) {
    for text in texts {
        book.append(entry(text), &who()).unwrap();
    }
}

fn texts(entries: &[Entry]) -> Vec<String> {
    let text = |entry: &Entry| match &entry.what {
        What::Held { why } => why.clone(),
        other => panic!("{other:?}"),
    };
    entries.iter().map(text).collect()
}

fn proof(path: &Path) -> Proof {
    verify(path, None).unwrap().unwrap()
}

#[test]
fn what_is_written_is_read_and_proven() {
    let (_folder, path) = folder();
    let (mut book, before) = Book::open(&path).unwrap();
    assert_eq!(before, []);
    write(&mut book, &["one", "two", "snow ☃ and \"quotes\"\n"]);
    let (_, entries) = Book::open(&path).unwrap();
    assert_eq!(texts(&entries), ["one", "two", "snow ☃ and \"quotes\"\n"]);
    let proof = proof(&path);
    assert_eq!((proof.chain.sequence, proof.chain.torn.len()), (3, 0));
    assert_eq!(read(&path).unwrap(), entries);
    assert_eq!(read(&path.with_extension("none")).unwrap(), []);
}

#[test]
fn only_its_owner_may_look_into_it() {
    let (_folder, path) = folder();
    let (mut book, _) = Book::open(&path).unwrap();
    write(&mut book, &["one"]);
    let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!((mode(&path), mode(path.parent().unwrap())), (0o600, 0o700));
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o644)).unwrap();
    Book::open(&path).unwrap();
    assert_eq!(mode(&path), 0o600);
}

#[test]
fn every_changed_byte_breaks_the_chain_at_its_line() {
    let (_folder, path) = folder();
    let (mut book, _) = Book::open(&path).unwrap();
    write(&mut book, &["one", "two", "three"]);
    let good = std::fs::read(&path).unwrap();
    let mut line = 1;
    for at in 0..good.len() {
        let mut bad = good.clone();
        bad[at] ^= 1;
        std::fs::write(&path, &bad).unwrap();
        let broken = verify(&path, None).unwrap();
        // The last line without a proper end looks like one that was cut off, and is reported as that.
        match broken {
            Err(broken) => {
                assert!(
                    broken.line == line || good[at] == b'\n',
                    "byte {at}: {broken}"
                );
            }
            Ok(proof) => assert_eq!((line, proof.chain.torn), (3, vec![3]), "byte {at}"),
        }
        if good[at] == b'\n' {
            line += 1;
        }
    }
}

#[test]
fn lines_that_are_missing_doubled_or_swapped_are_found() {
    let (_folder, path) = folder();
    let (mut book, _) = Book::open(&path).unwrap();
    write(&mut book, &["one", "two", "three"]);
    let good = std::fs::read_to_string(&path).unwrap();
    let lines: Vec<&str> = good.lines().collect();
    for (order, first) in [
        (vec![0, 2], 2),
        (vec![1, 2], 1),
        (vec![0, 1, 1, 2], 3),
        (vec![1, 0, 2], 1),
    ] {
        let order_lines: Vec<&str> = order.iter().map(|at| lines[*at]).collect();
        let text = order_lines.join("\n") + "\n";
        std::fs::write(&path, text).unwrap();
        let broken = verify(&path, None).unwrap().unwrap_err();
        assert_eq!(broken.line, first, "{order:?}: {broken}");
        assert!(Book::open(&path).is_err(), "nothing is written behind it");
    }
}

#[test]
fn a_forged_line_does_not_follow() {
    let (_folder, path) = folder();
    let (mut book, _) = Book::open(&path).unwrap();
    write(&mut book, &["one", "two"]);
    let good = std::fs::read_to_string(&path).unwrap();
    let lines: Vec<&str> = good.lines().collect();
    let (mut line, _) = Line::open(lines[0].as_bytes()).unwrap();
    line.entry = entry("never");
    let forged = format!("{}\n{}\n", line.seal().unwrap().1, lines[1]);
    std::fs::write(&path, forged).unwrap();
    assert_eq!(verify(&path, None).unwrap().unwrap_err().line, 2);
}

#[test]
fn what_is_cut_from_the_end_shows_only_against_a_head_that_was_kept() {
    let (_folder, path) = folder();
    let (mut book, _) = Book::open(&path).unwrap();
    write(&mut book, &["one", "two"]);
    let head = proof(&path).chain.head;
    let kept = |path: &Path| verify(path, Some(&head)).unwrap().unwrap().holds;
    write(&mut book, &["three"]);
    assert_eq!(kept(&path), Some(true), "it has grown since");
    let text = std::fs::read_to_string(&path).unwrap();
    let first = format!("{}\n", text.lines().next().unwrap());
    std::fs::write(&path, first).unwrap();
    let proof = proof(&path);
    assert!(proof.to_string().contains("not provable"), "{proof}");
    assert_eq!(kept(&path), Some(false));
    let refused = book.append(entry("four"), &who()).unwrap_err();
    assert!(refused.contains("shorter"), "{refused}");
}

#[test]
fn a_line_that_was_cut_anywhere_stays_and_the_chain_goes_on_behind_it() {
    let (_folder, path) = folder();
    let (mut book, _) = Book::open(&path).unwrap();
    write(&mut book, &["one", "two"]);
    let good = std::fs::read(&path).unwrap();
    let second = good.iter().position(|byte| *byte == b'\n').unwrap() + 1;
    for cut in second + 1..good.len() {
        std::fs::write(&path, &good[..cut]).unwrap();
        let whole = cut == good.len() - 1;
        assert_eq!(proof(&path).chain.unsealed(), !whole, "cut at {cut}");
        let (mut book, entries) = Book::open(&path).unwrap();
        assert_eq!(entries.len(), if whole { 2 } else { 1 });
        write(&mut book, &["three"]);
        let after = std::fs::read(&path).unwrap();
        assert!(
            after.starts_with(&good[..cut]),
            "nothing is taken away: {cut}"
        );
        let proof = proof(&path);
        assert_eq!(proof.chain.torn, if whole { vec![] } else { vec![2] });
        assert!(!proof.chain.unsealed());
    }
    // The entry behind it vouches for the very bytes.
    std::fs::write(&path, &good[..good.len() - 9]).unwrap();
    write(&mut Book::open(&path).unwrap().0, &["three"]);
    let mut bytes = std::fs::read(&path).unwrap();
    bytes[second + 3] ^= 1;
    std::fs::write(&path, bytes).unwrap();
    assert_eq!(verify(&path, None).unwrap().unwrap_err().line, 2);
}

#[test]
fn two_open_journals_take_turns_and_see_each_other() {
    let (_folder, path) = folder();
    let (mut one, _) = Book::open(&path).unwrap();
    let (mut two, _) = Book::open(&path).unwrap();
    let ended = Entry {
        what: What::Ended {
            ending: Ending::Done,
            text: "done".to_owned(),
        },
        ..entry("")
    };
    write(&mut one, &["one"]);
    let appended = two.append(ended.clone(), &who()).unwrap();
    assert_eq!(appended.written.sequence, 2);
    assert_eq!(appended.others.len(), 1);
    assert_eq!(appended.others[0].0, entry("one"));
    let appended = one.append(entry("three"), &who()).unwrap();
    assert_eq!((appended.written.sequence, appended.others.len()), (3, 1));
    assert_eq!(appended.others[0].0, ended);
    assert_eq!(proof(&path).chain.sequence, 3);
}

#[test]
fn many_writers_interleave_whole_lines() {
    let (_folder, path) = folder();
    let writers: Vec<_> = (0..4)
        .map(|writer| {
            let path = path.clone();
            std::thread::spawn(move || {
                let (mut book, _) = Book::open(&path).unwrap();
                for line in 0..25 {
                    book.append(entry(&format!("{writer}.{line}")), &who())
                        .unwrap();
                }
            })
        })
        .collect();
    for writer in writers {
        writer.join().unwrap();
    }
    let proof = proof(&path);
    assert_eq!((proof.chain.sequence, proof.chain.torn.len()), (100, 0));
}

#[test]
fn a_torn_line_that_another_console_sealed_is_no_surprise() {
    let (_folder, path) = folder();
    write(&mut Book::open(&path).unwrap().0, &["one"]);
    let mut file = std::fs::OpenOptions::new()
        .append(true)
        .open(&path)
        .unwrap();
    file.write_all(b"{\"sequence\":2,\"prev").unwrap();
    let (mut one, _) = Book::open(&path).unwrap();
    let (mut two, _) = Book::open(&path).unwrap();
    write(&mut one, &["two"]);
    let appended = two.append(entry("three"), &who()).unwrap();
    assert_eq!(appended.others.len(), 1);
    assert_eq!(proof(&path).chain.sequence, 3);
}

#[test]
fn links_and_what_is_no_file_are_refused() {
    let (folder, path) = folder();
    let victim = folder.path().join("victim");
    std::fs::write(&victim, "kept").unwrap();
    std::fs::create_dir(path.parent().unwrap()).unwrap();
    std::os::unix::fs::symlink(&victim, &path).unwrap();
    let error = Book::open(&path).unwrap_err();
    assert!(
        error.contains("symbolic link") && error.contains(FILE),
        "{error}"
    );
    assert_eq!(std::fs::read_to_string(&victim).unwrap(), "kept");
    let error = Book::open(Path::new("/dev/full")).unwrap_err();
    assert!(error.contains("not a regular file"), "{error}");
    let linked = folder.path().join("linked");
    std::os::unix::fs::symlink(folder.path(), &linked).unwrap();
    let error = Book::open(&linked.join(FILE)).unwrap_err();
    assert!(error.contains("symbolic link"), "{error}");
    let error = Book::open(&victim.join(FILE)).unwrap_err();
    assert!(error.contains("victim"), "{error}");
}

#[test]
fn a_journal_that_was_moved_away_is_not_written_in_vain() {
    let (_folder, path) = folder();
    let (mut book, _) = Book::open(&path).unwrap();
    write(&mut book, &["one"]);
    std::fs::rename(&path, path.with_extension("1")).unwrap();
    assert!(book.append(entry("two"), &who()).is_err());
    std::fs::write(&path, "").unwrap();
    let error = book.append(entry("two"), &who()).unwrap_err();
    assert!(error.contains("another file"), "{error}");
}

/// How long a long journal takes to open: `cargo test --lib a_long_journal -- --ignored --nocapture`.
#[test]
#[ignore = "a measurement"]
fn a_long_journal_opens_fast() {
    let (_folder, path) = folder();
    make_folder(path.parent().unwrap()).unwrap();
    let mut text = String::new();
    let mut previous = BEGINNING.to_owned();
    for sequence in 1..=100_000 {
        let line = Line {
            sequence,
            previous,
            torn: None,
            who: who(),
            entry: entry(&"x".repeat(400)),
        };
        let (hash, sealed) = line.seal().unwrap();
        text.push_str(&sealed);
        text.push('\n');
        previous = hash;
    }
    std::fs::write(&path, &text).unwrap();
    let started = std::time::Instant::now();
    let (mut book, entries) = Book::open(&path).unwrap();
    let opened = started.elapsed();
    let started = std::time::Instant::now();
    write(&mut book, &["one"]);
    let appended = started.elapsed();
    println!(
        "{} entries, {} MB: opened in {opened:?}, appended in {appended:?}",
        entries.len(),
        text.len() / 1_000_000
    );
}

#[test]
fn what_others_write_is_seen_without_a_write_of_ours() {
    let (_folder, path) = folder();
    let (mut ours, _) = Book::open(&path).unwrap();
    let (mut theirs, _) = Book::open(&path).unwrap();
    theirs.append(entry("one"), &who()).unwrap();
    let seen = ours.look().unwrap();
    assert_eq!(seen.len(), 1);
    assert_eq!(seen[0].0, entry("one"));
    assert!(ours.look().unwrap().is_empty(), "told once");
    let appended = ours.append(entry("two"), &who()).unwrap();
    assert!(appended.others.is_empty());
    assert!(ours.look().unwrap().is_empty(), "our own is no news");
}
