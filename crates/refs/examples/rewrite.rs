//! Reads kerchunk references and writes them again, so that other readers can be compared on both.
//!
//! `cargo run -p rangefold-refs --example rewrite -- IN OUT`: a path that ends in `.parq` is a folder, any other a
//! JSON document, compressed or not.

use std::error::Error;
use std::path::Path;
use std::{env, fs, io};

use rangefold_refs::{ReferenceSet, RefsError, decompress, json, parquet};

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = env::args().skip(1);
    let (Some(input), Some(output)) = (arguments.next(), arguments.next()) else {
        return Err("two paths are needed: IN OUT".into());
    };
    let record_size = arguments.next().map_or(Ok(parquet::RECORD_SIZE), |text| text.parse())?;
    let set = read(Path::new(&input))?;
    write(&set, Path::new(&output), record_size)
}

fn read(path: &Path) -> Result<ReferenceSet, Box<dyn Error>> {
    if path.extension().is_none_or(|extension| extension != "parq") {
        return Ok(json::read(&decompress(&fs::read(path)?, u64::MAX)?)?);
    }
    let zmetadata = fs::read(path.join(".zmetadata"))?;
    parquet::read(&zmetadata, |record| match fs::read(path.join(record)) {
        Ok(bytes) => Ok(Some(bytes.into())),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error.into()),
    })
}

fn write(set: &ReferenceSet, path: &Path, record_size: u64) -> Result<(), Box<dyn Error>> {
    if path.extension().is_none_or(|extension| extension != "parq") {
        return Ok(fs::write(path, json::write(set)?)?);
    }
    fs::create_dir_all(path)?;
    let mut table = parquet::RecordTable::default();
    for (name, array) in &set.arrays {
        fs::create_dir_all(path.join(name))?;
        let chunk_count = array.meta.grid.chunk_count();
        for record in parquet::records(name, chunk_count, record_size, array.manifest.iter()) {
            let record: parquet::Record = record.map_err(|error: RefsError| error)?;
            table.add(name, &record);
            fs::write(path.join(record.path), record.bytes)?;
        }
    }
    fs::write(path.join(".zmetadata"), parquet::zmetadata(set, record_size, &table)?)?;
    Ok(())
}
