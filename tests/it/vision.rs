//! Themes seen with the eyes of those who confuse colours: states stay apart (product section 5). The simulation is that of Machado, Oliveira and Fernandes (2009), at full severity.

use pilothouse::config::{
    depth::{Depth, rgb},
    library::{Library, Shelf},
    theme::{Background, Colour, Paint, Role, Theme},
    theme_file,
};

type Matrix = [[f64; 3]; 3];

/// Ways to see, each as a matrix on linear light.
const EYES: [(&str, Matrix); 4] = [
    (
        "ordinary",
        [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]],
    ),
    (
        "protanopia",
        [
            [0.152_286, 1.052_583, -0.204_868],
            [0.114_503, 0.786_281, 0.099_216],
            [-0.003_882, -0.048_116, 1.051_998],
        ],
    ),
    (
        "deuteranopia",
        [
            [0.367_322, 0.860_646, -0.227_968],
            [0.280_085, 0.672_501, 0.047_413],
            [-0.011_820, 0.042_940, 0.968_881],
        ],
    ),
    (
        "tritanopia",
        [
            [1.255_528, -0.076_749, -0.178_779],
            [-0.078_411, 0.930_809, 0.147_602],
            [0.004_733, 0.691_367, 0.303_900],
        ],
    ),
];

/// States that must never be taken for each other.
const STATES: [Role; 4] = [Role::Ok, Role::Warn, Role::Bad, Role::Unknown];

/// Colours this far apart in CIE Lab are not confused, even in small letters.
const APART: f64 = 20.0;

fn times(matrix: &Matrix, vector: [f64; 3]) -> [f64; 3] {
    matrix.map(|row| row.iter().zip(vector).map(|(a, b)| a * b).sum())
}

/// A colour as these eyes see it, in CIE Lab (D65).
fn seen(eyes: &Matrix, (r, g, b): (u8, u8, u8)) -> [f64; 3] {
    const XYZ: Matrix = [
        [0.4124, 0.3576, 0.1805],
        [0.2126, 0.7152, 0.0722],
        [0.0193, 0.1192, 0.9505],
    ];
    let linear = |value: u8| {
        let value = f64::from(value) / 255.0;
        if value <= 0.040_45 {
            value / 12.92
        } else {
            ((value + 0.055) / 1.055).powf(2.4)
        }
    };
    let light = times(eyes, [linear(r), linear(g), linear(b)]).map(|part| part.clamp(0.0, 1.0));
    let root = |part: f64| {
        if part > 0.008_856 {
            part.cbrt()
        } else {
            7.787 * part + 16.0 / 116.0
        }
    };
    let white = [0.950_47, 1.0, 1.088_83];
    let xyz = [0, 1, 2].map(|index| root(times(&XYZ, light)[index] / white[index]));
    [
        116.0 * xyz[1] - 16.0,
        500.0 * (xyz[0] - xyz[1]),
        200.0 * (xyz[1] - xyz[2]),
    ]
}

fn distance(a: [f64; 3], b: [f64; 3]) -> f64 {
    a.iter()
        .zip(b)
        .map(|(a, b)| (a - b).powi(2))
        .sum::<f64>()
        .sqrt()
}

/// What of a paint catches the eye: its fill, if it has one, or else its letters.
fn ink(paint: Paint, theme: &Theme) -> (u8, u8, u8) {
    let own = match theme.background {
        Background::White => (0, 0, 0),
        Background::Black | Background::Any => (0xe5, 0xe5, 0xe5),
    };
    let fill = if paint.bg == Colour::Reset {
        paint.fg
    } else {
        paint.bg
    };
    rgb(fill).unwrap_or(own)
}

/// What tells paints apart without any colour.
fn flags(paint: Paint) -> (bool, bool, bool) {
    let filled = paint.reverse || paint.bg != Colour::Reset;
    (filled, paint.bold, paint.underline)
}

fn pairs() -> impl Iterator<Item = (Role, Role)> {
    let later = |(index, a): (usize, &Role)| {
        let a = *a;
        STATES[index + 1..].iter().map(move |b| (a, *b))
    };
    STATES.iter().enumerate().flat_map(later)
}

fn theme(name: &str) -> Theme {
    theme_file::load(&Library::default(), name).unwrap()
}

#[test]
fn the_colour_blind_theme_keeps_states_apart_by_colour_alone() {
    for depth in [Depth::True, Depth::Indexed] {
        let theme = theme("colour-blind").reduce(depth);
        for (eyes, matrix) in &EYES {
            for (a, b) in pairs() {
                let look = |role| seen(matrix, ink(theme.paint(role), &theme));
                let apart = distance(look(a), look(b));
                assert!(
                    apart >= APART,
                    "{a:?} and {b:?} at {depth:?} with {eyes}: {apart:.0}"
                );
            }
        }
    }
}

#[test]
fn every_theme_keeps_states_apart_for_every_eye_by_colour_or_by_what_is_no_colour() {
    for name in Library::default().names(Shelf::Themes) {
        for depth in [Depth::True, Depth::Indexed, Depth::Ansi16, Depth::Mono] {
            let theme = theme(&name).reduce(depth);
            for (eyes, matrix) in &EYES {
                for (a, b) in pairs() {
                    let (a, b) = (theme.paint(a), theme.paint(b));
                    let look = |paint| seen(matrix, ink(paint, &theme));
                    let apart = distance(look(a), look(b)) >= APART || flags(a) != flags(b);
                    assert!(apart, "{name} at {depth:?} with {eyes}: {a:?} and {b:?}");
                }
            }
        }
    }
}

#[test]
fn the_simulation_confuses_what_such_eyes_confuse() {
    let matrix = |name: &str| EYES.iter().find(|(known, _)| *known == name).unwrap().1;
    let (red, green) = ((200, 80, 0), (120, 130, 0));
    let apart = |name| distance(seen(&matrix(name), red), seen(&matrix(name), green));
    assert!(apart("ordinary") > 2.0 * apart("deuteranopia"));
}
