//! Sizes and keys without sense, as fast as they can be sent.

use super::Session;

#[test]
fn any_size_draws() {
    let mut session = Session::demo(&[], &[], (80, 24));
    session.wait_for("eu-west-1");
    let sizes = [
        (1, 1),
        (400, 200),
        (59, 14),
        (2, 100),
        (300, 3),
        (60, 15),
        (80, 24),
    ];
    for size in sizes {
        session.resize(size);
        session.press("j\x0c");
    }
    session.press("?");
    session.wait_for("Help (keymap");
    session.press("\x03");
    assert_eq!(session.end(), 0);
    session.assert_given_back();
}

#[test]
fn a_storm_of_sizes_is_survived_and_the_last_one_is_drawn() {
    let mut session = Session::demo(&["--speed", "10"], &[], (80, 24));
    session.wait_for("eu-west-1");
    let mut seed = 7_u32;
    let mut next = |most: u32| {
        seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        u16::try_from((seed >> 8) % most + 1).unwrap()
    };
    for _ in 0..2_000 {
        let size = (next(400), next(200));
        session.resize(size);
        if next(10) == 1 {
            session.press("\tj");
        }
    }
    session.resize((80, 24));
    session.press("\x0c?");
    session.wait_for("Help (keymap");
    session.press("\x03");
    assert_eq!(session.end(), 0);
    session.assert_given_back();
}

#[test]
fn it_starts_on_the_smallest_screen() {
    let mut session = Session::demo(&[], &[], (1, 1));
    session.wait("drawn", vt100::Screen::alternate_screen);
    session.press("q");
    assert_eq!(session.end(), 0);
    session.assert_given_back();
}
