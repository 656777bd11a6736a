//! Tables by column, as data frames have them.

use crate::figures::record::{Cell, Record};

/// A column: its name, and a value or nothing for each row.
#[derive(Clone, Debug, PartialEq)]
pub struct Column {
    /// As the header of a CSV file has it.
    pub name: String,
    /// Its values.
    pub values: Values,
}

/// Values of a column, all of one type.
#[derive(Clone, Debug, PartialEq)]
pub enum Values {
    /// Whole numbers: `UINT_64`.
    Numbers(Vec<Option<u64>>),
    /// Means and the like: `DOUBLE`.
    Reals(Vec<Option<f64>>),
    /// `STRING`.
    Texts(Vec<Option<String>>),
}

/// Records as columns, named as in CSV.
pub fn of_records<R: Record + Default>(records: &[R]) -> Vec<Column> {
    let mut columns = Vec::new();
    // Of a type the fields know: what is empty at first is a number that may be missing.
    R::default().cells(&mut |name, cell| {
        let values = match cell {
            Cell::Text(_) => Values::Texts(Vec::with_capacity(records.len())),
            Cell::Number(_) | Cell::Empty => Values::Numbers(Vec::with_capacity(records.len())),
        };
        columns.push(Column { name: name.to_owned(), values });
    });
    for record in records {
        let mut column = columns.iter_mut();
        record.cells(&mut |_, cell| match (column.next().map(|column| &mut column.values), cell) {
            (Some(Values::Texts(all)), Cell::Text(text)) => all.push(Some(text)),
            (Some(Values::Texts(all)), _) => all.push(None),
            (Some(Values::Numbers(all)), Cell::Number(number)) => all.push(Some(number)),
            (Some(Values::Numbers(all)), _) => all.push(None),
            (Some(Values::Reals(_)) | None, _) => {}
        });
    }
    columns
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::figures::Flow;

    #[test]
    fn records_have_the_columns_of_csv() {
        let flow = Flow { program: "client".into(), opened_ns: 7, ..Flow::default() };
        let columns = of_records(&[flow.clone(), flow.clone()]);
        let mut names = Vec::new();
        flow.cells(&mut |name, _| names.push(name.to_owned()));
        assert_eq!(columns.iter().map(|column| column.name.clone()).collect::<Vec<_>>(), names);
        let of = |name: &str| {
            columns.iter().find(|column| column.name == name).map(|column| column.values.clone())
        };
        let client = Some("client".to_owned());
        assert_eq!(of("program"), Some(Values::Texts(vec![client.clone(), client])));
        assert_eq!(of("opened_ns"), Some(Values::Numbers(vec![Some(7), Some(7)])));
        assert_eq!(of("established_ns"), Some(Values::Numbers(vec![None, None])));
    }
}
