//! A chart: axes with units, lines, points, bars; and how it is drawn.
#![expect(clippy::float_arithmetic, reason = "pictures of runs that are over")]

use kuva::backend::svg::SvgBackend;
use kuva::plot::legend::{LegendEntry, LegendPosition, LegendShape};
use kuva::plot::line::LineStyle;
use kuva::plot::scatter::MarkerShape;
use kuva::plot::{LinePlot, ScatterPlot};
use kuva::render::color::Color;
use kuva::render::figure::Figure;
use kuva::render::layout::{ComputedLayout, Layout, TickFormat};
use kuva::render::plots::Plot;
use kuva::render::render::{PathData, Primitive, Scene, render_multiple};

/// Okabe and Ito's palette, which colour-blind people can tell apart (Wong, Nature Methods 8, 2011), without its yellow, which
/// is too pale for lines, and dark colours first.
const PALETTE: &[&str] = &["#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000"];

/// Marks that tell series apart without their colours.
const MARKS: &[MarkerShape] = &[
    MarkerShape::Circle,
    MarkerShape::Square,
    MarkerShape::Triangle,
    MarkerShape::Diamond,
    MarkerShape::TriangleDown,
    MarkerShape::Pentagon,
    MarkerShape::Plus,
];

/// Points of a line beyond which only the extremes in each column of pixels are drawn.
const COLUMNS: usize = 700;

/// A colour of the palette.
pub fn colour(number: usize) -> &'static str {
    PALETTE[number % PALETTE.len()]
}

/// A chart.
#[derive(Clone, Debug, Default)]
pub struct Chart {
    /// What stands above it.
    pub title: String,
    /// What stands below that, smaller.
    pub subtitle: String,
    /// The horizontal axis.
    pub x: Axis,
    /// The vertical axis.
    pub y: Axis,
    /// What stands above the legend.
    pub legend: String,
    /// What is drawn, in order.
    pub series: Vec<Series>,
}

/// An axis.
#[derive(Clone, Debug, Default)]
pub struct Axis {
    /// What it shows, with the unit.
    pub label: String,
    /// From where to where; `None`: as the data lie, from zero.
    pub range: Option<(f64, f64)>,
    /// Whether it is logarithmic.
    pub log: bool,
    /// Names at 1, 2, ...: it has no numbers.
    pub categories: Vec<String>,
}

/// Something drawn in one colour.
#[derive(Clone, Debug)]
pub struct Series {
    /// Its name in the legend; without one it has no entry.
    pub name: String,
    /// Its colour, by number.
    pub colour: usize,
    /// How it is drawn.
    pub look: Look,
    /// Its points.
    pub points: Vec<(f64, f64)>,
    /// Half the length of an error bar at each point; empty: none.
    pub errors: Vec<f64>,
}

/// How a series is drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Look {
    /// A value holds until the next.
    Step,
    /// The same, dashed.
    DashedStep,
    /// Points, joined by lines.
    Marked,
    /// Crosses.
    Crosses,
    /// Strokes: each two points are the ends of one.
    Strokes,
    /// Thick strokes.
    Bars,
}

impl Series {
    /// A series without error bars.
    pub fn new(name: impl Into<String>, colour: usize, look: Look, points: Vec<(f64, f64)>) -> Series {
        Series { name: name.into(), colour, look, points, errors: Vec::new() }
    }
    fn ys(&self) -> impl Iterator<Item = f64> + '_ {
        self.points.iter().enumerate().map(|(i, (_, y))| y + self.errors.get(i).copied().unwrap_or(0.0))
    }
}

/// Draws charts, one below the other, in this width and height of each, in pixels.
pub fn svg(charts: &[Chart], width: f64, height: f64) -> String {
    let scene = match charts {
        [chart] => {
            let (plots, layout) = chart.parts(width, height);
            let computed = ComputedLayout::from_layout(&layout);
            let mut scene = render_multiple(plots, layout);
            chart.strokes(&computed, &mut scene);
            scene
        }
        charts => {
            let (plots, layouts): (Vec<_>, Vec<_>) =
                charts.iter().map(|chart| chart.parts(width, height)).unzip();
            let layouts = layouts.into_iter().map(|layout| layout.with_force_margins(90.0, 190.0)).collect();
            Figure::new(charts.len(), 1)
                .with_plots(plots)
                .with_layouts(layouts)
                .with_cell_size(width, height)
                .with_spacing(6.0)
                .with_padding(4.0)
                .with_keep_panel_legends()
                .render()
        }
    };
    numbered(&SvgBackend::new().with_pretty(true).render_scene(&scene))
}

/// The library numbers its clipping paths through a whole process; here they begin at zero in each picture.
fn numbered(svg: &str) -> String {
    let mut names: Vec<&str> = Vec::new();
    let mut out = String::with_capacity(svg.len());
    let mut rest = svg;
    while let Some(at) = rest.find(CLIP) {
        let behind = at + CLIP.len();
        let digits = rest[behind..].find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len() - behind);
        let name = &rest[behind..behind + digits];
        let number = names.iter().position(|known| *known == name).unwrap_or_else(|| {
            names.push(name);
            names.len() - 1
        });
        out += &rest[..behind];
        out += &number.to_string();
        rest = &rest[behind + digits..];
    }
    out + rest
}
const CLIP: &str = "kuva-clip-";

impl Chart {
    /// What the library draws, and where.
    fn parts(&self, width: f64, height: f64) -> (Vec<Plot>, Layout) {
        let plots: Vec<Plot> = self.series.iter().flat_map(plots).collect();
        let mut layout = Layout::new(self.x_range(), self.y_range())
            .with_width(width)
            .with_height(height)
            .with_x_label(self.x.label.as_str())
            .with_y_label(self.y.label.as_str())
            .with_legend_position(LegendPosition::OutsideRightTop)
            .with_title_size(16)
            .with_label_size(13)
            .with_tick_size(11)
            .with_body_size(11)
            .with_clamp_axis()
            .with_clamp_y_axis();
        let numbers = || TickFormat::Custom(std::sync::Arc::new(tick));
        if !self.title.is_empty() {
            layout = layout.with_title(self.title.as_str());
        }
        if !self.subtitle.is_empty() {
            layout = layout.with_subtitle(self.subtitle.as_str());
        }
        if self.x.categories.is_empty() {
            layout = layout.with_x_tick_format(numbers());
        } else {
            layout = layout.with_x_categories(self.x.categories.clone());
        }
        layout = layout.with_y_tick_format(numbers());
        if self.x.log {
            layout = layout.with_log_x();
        }
        if self.y.log {
            layout = layout.with_log_y();
        }
        let entries: Vec<LegendEntry> =
            self.series.iter().filter(|one| !one.name.is_empty()).map(entry).collect();
        if !entries.is_empty() {
            layout = layout.with_legend_entries(entries);
            if !self.legend.is_empty() {
                layout = layout.with_legend_title(self.legend.as_str());
            }
        }
        (plots, layout)
    }

    fn x_range(&self) -> (f64, f64) {
        if !self.x.categories.is_empty() {
            return (0.5, self.x.categories.len() as f64 + 0.5);
        }
        let points = self.series.iter().flat_map(|series| series.points.iter().map(|(x, _)| *x));
        self.x.range.unwrap_or_else(|| range(points, self.x.log))
    }
    fn y_range(&self) -> (f64, f64) {
        let values = self.series.iter().flat_map(Series::ys);
        self.y.range.unwrap_or_else(|| {
            let (low, high) = range(values, self.y.log);
            (low, if self.y.log { high } else { high * 1.05 })
        })
    }

    /// Draws strokes, all of one series as one path.
    fn strokes(&self, computed: &ComputedLayout, scene: &mut Scene) {
        for series in self.series.iter().filter(|series| matches!(series.look, Look::Strokes | Look::Bars)) {
            let mut path = String::new();
            for ends in series.points.chunks_exact(2) {
                let at = |(x, y): (f64, f64)| format!("{:.1} {:.1}", computed.map_x(x), computed.map_y(y));
                path += &format!("M{}L{}", at(ends[0]), at(ends[1]));
            }
            if !path.is_empty() {
                scene.add(Primitive::Path(Box::new(PathData {
                    d: path,
                    fill: Some(Color::None),
                    stroke: Color::from(colour(series.colour)),
                    stroke_width: if series.look == Look::Bars { 2.5 } else { 1.2 },
                    opacity: None,
                    stroke_dasharray: None,
                })));
            }
        }
    }
}

/// From zero to the largest; logarithmic: from the smallest above zero to the largest.
fn range(values: impl Iterator<Item = f64>, log: bool) -> (f64, f64) {
    let values: Vec<f64> = values.filter(|value| value.is_finite() && (!log || *value > 0.0)).collect();
    let high = values.iter().copied().fold(0.0, f64::max);
    let low = if log { values.iter().copied().fold(high, f64::min) } else { 0.0 };
    if high > low { (low, high) } else { (low, low + 1.0) }
}

/// A number at an axis: as many decimals as it needs, and thousands parted.
fn tick(value: f64) -> String {
    let text = crate::sweep::stats::digits(value, 6);
    let (whole, fraction) = text.split_once('.').map_or((text.as_str(), ""), |(whole, rest)| (whole, rest));
    let digits = whole.trim_start_matches('-');
    if digits.len() < 5 || !digits.chars().all(|c| c.is_ascii_digit()) {
        return text;
    }
    let mut parted = String::new();
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            parted.push(',');
        }
        parted.push(digit);
    }
    let sign = if whole.starts_with('-') { "-" } else { "" };
    if fraction.is_empty() { format!("{sign}{parted}") } else { format!("{sign}{parted}.{fraction}") }
}

/// What the library draws for a series.
fn plots(series: &Series) -> Vec<Plot> {
    let color = colour(series.colour);
    let line = |step: bool| {
        let points = if step { thinned(&series.points) } else { series.points.clone() };
        let line = LinePlot::new().with_data(points).with_color(color).with_stroke_width(1.5);
        if step { line.with_step() } else { line }
    };
    match series.look {
        Look::Step => vec![Plot::Line(line(true))],
        Look::DashedStep => {
            vec![Plot::Line(line(true).with_line_style(LineStyle::Dashed).with_stroke_width(1.0))]
        }
        Look::Marked => {
            let mut marks = ScatterPlot::new()
                .with_data(series.points.clone())
                .with_color(color)
                .with_size(4.0)
                .with_marker(MARKS[series.colour % MARKS.len()]);
            if !series.errors.is_empty() {
                marks = marks.with_y_err(series.errors.clone());
            }
            vec![Plot::Line(line(false)), Plot::Scatter(marks)]
        }
        Look::Crosses => {
            let marks = ScatterPlot::new().with_data(series.points.clone()).with_color(color).with_size(3.5);
            vec![Plot::Scatter(marks.with_marker(MarkerShape::Cross))]
        }
        Look::Strokes | Look::Bars => Vec::new(),
    }
}

/// An entry of the legend.
fn entry(series: &Series) -> LegendEntry {
    let shape = match series.look {
        Look::Marked => LegendShape::Marker(MARKS[series.colour % MARKS.len()]),
        Look::Crosses => LegendShape::Marker(MarkerShape::Cross),
        _ => LegendShape::Line,
    };
    let dashes = (series.look == Look::DashedStep).then(|| "4 3".to_owned());
    LegendEntry {
        label: series.name.clone(),
        color: colour(series.colour).to_owned(),
        shape,
        dasharray: dashes,
    }
}

/// A line of many points by the first, the lowest, the highest and the last in each column of pixels: it looks the same.
fn thinned(points: &[(f64, f64)]) -> Vec<(f64, f64)> {
    let (Some(first), Some(last)) = (points.first(), points.last()) else { return Vec::new() };
    if points.len() <= 2 * COLUMNS || last.0 <= first.0 {
        return points.to_vec();
    }
    let column = |x: f64| ((x - first.0) / (last.0 - first.0) * COLUMNS as f64) as usize;
    points
        .chunk_by(|a, b| column(a.0) == column(b.0))
        .flat_map(|chunk| {
            let extreme = |better: fn(f64, f64) -> bool| {
                (1..chunk.len()).fold(0, |best, i| if better(chunk[i].1, chunk[best].1) { i } else { best })
            };
            let mut kept = [0, extreme(|a, b| a < b), extreme(|a, b| a > b), chunk.len() - 1];
            kept.sort_unstable();
            let kept: Vec<usize> = kept
                .iter()
                .enumerate()
                .filter(|(i, at)| *i == 0 || kept[i - 1] != **at)
                .map(|(_, at)| *at)
                .collect();
            kept.into_iter().map(|at| chunk[at])
        })
        .collect()
}
