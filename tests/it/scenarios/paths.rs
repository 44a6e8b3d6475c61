//! Paths of the edge cache by keyboard: a file goes at once, everything only where the origins have room.

use super::drill::Drill;

#[test]
fn a_file_is_invalidated_and_verified_and_everything_is_stopped() {
    let mut drill = Drill::acting("calm", 300);
    drill.command("arm a wrong price on the front page");
    drill.plan("invalidate-paths shop.example names=/*");
    let blocked = drill.blocked_by();
    assert_eq!(blocked, ["G-CAP"], "{:?}", drill.obstacles());
    let obstacles = drill.obstacles().join("\n");
    assert!(obstacles.contains("while the caches fill"), "{obstacles}");
    drill.plan("invalidate-paths shop.example names=/index.html");
    assert_eq!(drill.obstacles(), [""; 0]);
    drill.confirm();
    drill.advance(1);
    let (ended, _) = drill.run_out(600);
    assert!(ended.starts_with("done"), "{ended}");
    let sent = drill.truth(|world| world.invalidations.clone());
    let [one] = sent.as_slice() else {
        panic!("{sent:?}");
    };
    assert_eq!(one.paths, ["/index.html"]);
    assert!(one.reference.starts_with("pilothouse-"));
}
