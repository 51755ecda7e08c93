//! The picture "throughput over connections": an SVG that is readable on light and on dark.

use crate::report::thousands;
use std::fmt::Write;

/// Operations per second of one server, for each number of connections.
pub struct Curve {
    pub name: String,
    pub points: Vec<(usize, f64)>,
}

const LEFT: f64 = 70.0;
const RIGHT: f64 = 590.0;
const TOP: f64 = 50.0;
const BOTTOM: f64 = 370.0;

const HEAD: &str = r#"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 720 420" role="img" aria-label="Throughput over connections">
<style>
  .paper { fill: #fff } text { fill: #24292f } .grid { stroke: #d8dee4 }
  .c0 { color: #cf222e } .c1 { color: #0969da } .c2 { color: #1a7f37 } .c3 { color: #6e7781 }
  @media (prefers-color-scheme: dark) {
    .paper { fill: #0d1117 } text { fill: #e6edf3 } .grid { stroke: #30363d }
    .c0 { color: #ff7b72 } .c1 { color: #58a6ff } .c2 { color: #56d364 } .c3 { color: #8b949e }
  }
  text { font: 13px system-ui, sans-serif }
  .title { font-size: 16px; font-weight: 600 }
  .curve { fill: none; stroke: currentColor; stroke-width: 2.5; stroke-linejoin: round }
  .name { fill: currentColor }
</style>
<rect class="paper" width="720" height="420"/>
<text class="title" x="20" y="28">Operations per second over connections</text>
"#;

pub fn draw(curves: &[Curve]) -> String {
    let all = || curves.iter().flat_map(|curve| &curve.points);
    let highest = all().map(|point| point.1).fold(1.0, f64::max);
    let step = step(highest);
    let scale = Scale {
        most: all().map(|point| point.0).max().unwrap_or(1),
        step,
        lines: (highest / step).ceil() as u32,
    };
    let grid = scale.grid();
    let lines = curves
        .iter()
        .enumerate()
        .map(|(number, curve)| scale.line(number, curve));
    format!(
        "{HEAD}{grid}{}{}</svg>\n",
        lines.collect::<String>(),
        scale.labels(curves)
    )
}

/// Round numbers for at most five lines of the grid.
fn step(highest: f64) -> f64 {
    let decade = 10_f64.powf((highest / 5.0).log10().floor());
    let steps = [1.0, 2.0, 5.0, 10.0].map(|part| part * decade);
    steps
        .into_iter()
        .find(|step| step * 5.0 >= highest)
        .unwrap_or(highest)
}

/// Where a number of connections (logarithmic) and of operations per second (linear) lies in the picture.
struct Scale {
    most: usize,
    /// Operations per second from one line of the grid to the next.
    step: f64,
    lines: u32,
}

impl Scale {
    fn x(&self, connections: usize) -> f64 {
        let width = (self.most.max(2) as f64).log2();
        LEFT + (RIGHT - LEFT) * (connections as f64).log2() / width
    }

    fn y(&self, per_second: f64) -> f64 {
        BOTTOM - (BOTTOM - TOP) * per_second / (self.step * f64::from(self.lines))
    }

    fn grid(&self) -> String {
        let mut svg = String::new();
        for line in 0..=self.lines {
            let value = self.step * f64::from(line);
            let (y, text, left) = (self.y(value), thousands(value), LEFT - 8.0);
            let _ = writeln!(
                svg,
                r#"<line class="grid" x1="{LEFT}" x2="{RIGHT}" y1="{y:.1}" y2="{y:.1}"/>"#
            );
            let _ = writeln!(
                svg,
                r#"<text x="{left}" y="{:.1}" text-anchor="end">{text}</text>"#,
                y + 4.0
            );
        }
        let mut connections = 1;
        while connections <= self.most {
            let (x, y, text) = (
                self.x(connections),
                BOTTOM + 22.0,
                thousands(connections as f64),
            );
            let _ = writeln!(
                svg,
                r#"<text x="{x:.1}" y="{y}" text-anchor="middle">{text}</text>"#
            );
            connections *= 2;
        }
        let _ = writeln!(
            svg,
            r#"<text x="330" y="412" text-anchor="middle">connections</text>"#
        );
        svg
    }

    fn line(&self, number: usize, curve: &Curve) -> String {
        let points = curve.points.iter();
        let points = points.map(|&(x, y)| format!("{:.1},{:.1} ", self.x(x), self.y(y)));
        let points = points.collect::<String>();
        let colour = number % 4;
        format!(
            "<polyline class=\"curve c{colour}\" points=\"{}\"/>\n",
            points.trim_end()
        )
    }

    /// Each curve's name at its end, moved down where two would overlap.
    fn labels(&self, curves: &[Curve]) -> String {
        let ends = curves.iter().enumerate().filter_map(|(number, curve)| {
            let &(x, y) = curve.points.last()?;
            Some((self.y(y), self.x(x), number, &curve.name))
        });
        let mut ends: Vec<_> = ends.collect();
        ends.sort_by(|a, b| a.0.total_cmp(&b.0));
        let mut svg = String::new();
        let mut free = TOP;
        for (y, x, number, name) in ends {
            let (y, x, colour) = (y.max(free), x + 8.0, number % 4);
            let _ = writeln!(
                svg,
                r#"<text x="{x:.1}" y="{:.1}" class="name c{colour}">{name}</text>"#,
                y + 4.0
            );
            free = y + 17.0;
        }
        svg
    }
}
