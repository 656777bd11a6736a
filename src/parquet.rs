//! Tables as Parquet files, for those who read millions of rows with a data frame (feature `parquet`).
//!
//! One row group, columns that may be empty, Snappy. The same table makes the same bytes.

use std::io::{self, Write};
use std::sync::Arc;

use parquet::basic::{Compression, LogicalType, Repetition, Type as Physical};
use parquet::data_type::{ByteArray, ByteArrayType, DataType, DoubleType, Int64Type};
use parquet::errors::ParquetError;
use parquet::file::properties::WriterProperties;
use parquet::file::writer::{SerializedColumnWriter, SerializedFileWriter};
use parquet::schema::types::Type;

use crate::columns::{Column, Values};

/// Writes a table.
///
/// # Errors
/// Those of writing, and of columns that are not of one length.
pub fn write(columns: &[Column], out: &mut dyn Write) -> io::Result<()> {
    let bytes = file(columns).map_err(io::Error::other)?;
    out.write_all(&bytes)
}

fn file(columns: &[Column]) -> Result<Vec<u8>, ParquetError> {
    let fields = columns.iter().map(|column| field(column).map(Arc::new)).collect::<Result<_, _>>()?;
    let schema = Type::group_type_builder("timewait").with_fields(fields).build()?;
    let properties = WriterProperties::builder().set_compression(Compression::SNAPPY).build();
    let mut writer = SerializedFileWriter::new(Vec::new(), Arc::new(schema), Arc::new(properties))?;
    let mut group = writer.next_row_group()?;
    for column in columns {
        let Some(mut place) = group.next_column()? else { break };
        match &column.values {
            Values::Numbers(all) => put::<Int64Type, _>(&mut place, all, |number| number.cast_signed())?,
            Values::Reals(all) => put::<DoubleType, _>(&mut place, all, |real| *real)?,
            Values::Texts(all) => {
                put::<ByteArrayType, _>(&mut place, all, |text| ByteArray::from(text.as_str()))?
            }
        }
        place.close()?;
    }
    group.close()?;
    writer.into_inner()
}

fn field(column: &Column) -> Result<Type, ParquetError> {
    let (physical, logical) = match &column.values {
        Values::Numbers(_) => (Physical::INT64, Some(LogicalType::integer(64, false))),
        Values::Reals(_) => (Physical::DOUBLE, None),
        Values::Texts(_) => (Physical::BYTE_ARRAY, Some(LogicalType::String)),
    };
    Type::primitive_type_builder(&column.name, physical)
        .with_repetition(Repetition::OPTIONAL)
        .with_logical_type(logical)
        .build()
}

/// Writes the values that are there, and which rows have one.
fn put<T: DataType, V>(
    place: &mut SerializedColumnWriter<'_>,
    all: &[Option<V>],
    value: impl Fn(&V) -> T::T,
) -> Result<(), ParquetError> {
    let values: Vec<T::T> = all.iter().flatten().map(value).collect();
    let there: Vec<i16> = all.iter().map(|value| i16::from(value.is_some())).collect();
    place.typed::<T>().write_batch(&values, Some(&there), None)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use parquet::file::reader::{FileReader, SerializedFileReader};
    use parquet::record::{Field, Row};

    use super::*;

    fn read(bytes: Vec<u8>) -> Vec<Row> {
        let reader = SerializedFileReader::new(bytes::Bytes::from(bytes)).expect("a Parquet file");
        reader.get_row_iter(None).expect("rows").map(|row| row.expect("a row")).collect()
    }

    #[test]
    fn what_is_written_is_read_again() {
        let columns = [
            Column { name: "n".into(), values: Values::Numbers(vec![Some(u64::MAX), None, Some(0)]) },
            Column { name: "x".into(), values: Values::Reals(vec![None, Some(0.25), Some(-1.0)]) },
            Column {
                name: "t".into(),
                values: Values::Texts(vec![Some("a, b".into()), Some("ü".into()), None]),
            },
        ];
        let mut bytes = Vec::new();
        write(&columns, &mut bytes).expect("written");
        let mut again = Vec::new();
        write(&columns, &mut again).expect("written");
        assert_eq!(bytes, again);
        let rows: Vec<Vec<Field>> = read(bytes)
            .iter()
            .map(|row| row.get_column_iter().map(|(_, field)| field.clone()).collect())
            .collect();
        assert_eq!(
            rows,
            [
                vec![Field::ULong(u64::MAX), Field::Null, Field::Str("a, b".into())],
                vec![Field::Null, Field::Double(0.25), Field::Str("ü".into())],
                vec![Field::ULong(0), Field::Double(-1.0), Field::Null],
            ]
        );
    }
}
