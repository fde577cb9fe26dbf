// SPDX-License-Identifier: GPL-2.0

//! The cost of relocation against the size of the module, as a picture.

use std::ops::Range;
use std::path::Path;

use anyhow::{anyhow, Context, Result};
use plotters::prelude::*;

use crate::figures::{Figures, Point};

const OURS: RGBColor = RGBColor(0, 90, 170);
const PEER: RGBColor = RGBColor(200, 80, 0);

/// Draws `bench.svg`.
pub fn draw(path: &Path, figures: &Figures) -> Result<()> {
    draw_points(path, figures).map_err(|err| anyhow!("{}: {err}", path.display()))
}

fn draw_points(path: &Path, figures: &Figures) -> Result<()> {
    let area = SVGBackend::new(path, (900, 560)).into_drawing_area();
    area.fill(&WHITE)?;
    let points = &figures.by_size;
    let sizes = range(points.iter().map(|point| f64::from(point.types)))?;
    let both = |point: &Point| [point.relocate.ours, point.relocate.peer];
    let costs = range(points.iter().flat_map(both))?;
    let title = format!("Relocating modules of {} to {}", figures.from, figures.to);
    let mut chart = ChartBuilder::on(&area)
        .caption(title, ("sans-serif", 20))
        .margin(16)
        .margin_right(40)
        .x_label_area_size(44)
        .y_label_area_size(84)
        .build_cartesian_2d(sizes.log_scale(), costs.log_scale())?;
    chart
        .configure_mesh()
        .x_desc("types of the module's split BTF")
        .y_desc("instructions of the relocation alone")
        .x_label_formatter(&|types| format!("{types:.0}"))
        .y_label_formatter(&|count| number(*count))
        .label_style(("sans-serif", 14))
        .axis_desc_style(("sans-serif", 15))
        .light_line_style(WHITE)
        .draw()?;
    let ours = points
        .iter()
        .map(|point| (point.types, point.relocate.ours));
    let peer = points
        .iter()
        .map(|point| (point.types, point.relocate.peer));
    let dot = |color: RGBColor| {
        move |(types, cost)| Circle::new((f64::from(types), cost), 4, color.filled())
    };
    let key = |color: RGBColor| move |(x, y)| Circle::new((x + 10, y), 4, color.filled());
    let libbpf = format!("libbpf {}", figures.peer);
    chart
        .draw_series(peer.map(dot(PEER)))?
        .label(libbpf)
        .legend(key(PEER));
    chart
        .draw_series(ours.map(dot(OURS)))?
        .label("rust_btfreloc")
        .legend(key(OURS));
    chart
        .configure_series_labels()
        .position(SeriesLabelPosition::LowerRight)
        .background_style(WHITE)
        .border_style(BLACK)
        .label_font(("sans-serif", 15))
        .draw()?;
    Ok(area.present()?)
}

/// From the power of ten below the least to the one above the largest.
fn range(values: impl Iterator<Item = f64> + Clone) -> Result<Range<f64>> {
    let least = values.clone().reduce(f64::min).context("nothing to draw")?;
    let most = values.reduce(f64::max).context("nothing to draw")?;
    let ten = |power: f64| 10f64.powf(power);
    Ok(ten(least.log10().floor())..ten(most.log10().ceil()))
}

fn number(count: f64) -> String {
    match count {
        count if count >= 1e6 => format!("{:.0} M", count / 1e6),
        count if count >= 1e3 => format!("{:.0} k", count / 1e3),
        count => format!("{count:.0}"),
    }
}
