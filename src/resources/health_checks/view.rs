//! What a row shows in its pane and in its detail. Owns texts only; draws nothing.

use super::HealthCheck;
use crate::resources::{
    Fleet, Place, Resource,
    cell::{Cell, Column, Field, Show},
};

const COLUMNS: &[Column] = &[Column::text("name", 8, 40, 0)];

impl Show for HealthCheck {
    fn columns() -> &'static [Column] {
        COLUMNS
    }

    fn cells(&self, _fleet: &Fleet, _place: &Place) -> Vec<Cell> {
        vec![Cell::text(self.key())]
    }

    fn detail(&self, _fleet: &Fleet, _place: &Place) -> Vec<Field> {
        vec![Field::new("key", Cell::text(self.key()))]
    }
}
