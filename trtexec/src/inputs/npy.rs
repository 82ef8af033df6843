//! NumPy's file format: a header that is a Python dictionary, then the elements.

use std::fmt::{self, Display};

/// An array of a `.npy` file, in row-major order.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Npy<'a> {
    /// NumPy's type, such as `<f4`.
    pub(crate) descr: &'a str,
    pub(crate) shape: Vec<i64>,
    pub(crate) data: &'a [u8],
}

impl<'a> Npy<'a> {
    /// Reads a file; none if it is not of this format at all.
    pub(crate) fn read(file: &'a [u8]) -> Option<Result<Self, String>> {
        let rest = file.strip_prefix(b"\x93NUMPY")?;
        Some(Self::body(rest).ok_or_else(|| "its NumPy header is broken".to_owned()).and_then(|(array, columns)| {
            if columns && array.shape.iter().filter(|extent| **extent != 1).count() > 1 {
                return Err("it is in column-major order; save it with numpy.ascontiguousarray".to_owned());
            }
            Ok(array)
        }))
    }

    fn body(rest: &'a [u8]) -> Option<(Self, bool)> {
        let (length, rest) = match rest.split_at_checked(2)? {
            ([1, _], rest) => {
                let (length, rest) = rest.split_first_chunk::<2>()?;
                (usize::from(u16::from_le_bytes(*length)), rest)
            }
            ([2 | 3, _], rest) => {
                let (length, rest) = rest.split_first_chunk::<4>()?;
                (usize::try_from(u32::from_le_bytes(*length)).ok()?, rest)
            }
            _ => return None,
        };
        let (header, data) = rest.split_at_checked(length)?;
        let header = std::str::from_utf8(header).ok()?;
        let descr = value(header, "descr")?.strip_prefix('\'')?.split_once('\'')?.0;
        let columns = value(header, "fortran_order")?.starts_with("True");
        let extents = value(header, "shape")?.strip_prefix('(')?.split_once(')')?.0;
        let extents = extents.split(',').map(str::trim).filter(|extent| !extent.is_empty());
        let shape = extents.map(|extent| extent.parse::<i64>().ok().filter(|extent| *extent >= 0));
        Some((Self { descr, shape: shape.collect::<Option<_>>()?, data }, columns))
    }
}

/// What follows a key of the dictionary.
fn value<'a>(header: &'a str, key: &str) -> Option<&'a str> {
    let (_, rest) = header.split_once(&format!("'{key}'"))?;
    Some(rest.trim_start().strip_prefix(':')?.trim_start())
}

impl Display for Npy<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "elements {} and the shape {:?}", self.descr, self.shape)
    }
}

#[cfg(test)]
mod tests {
    use super::Npy;

    fn file(header: &str, data: &[u8]) -> Vec<u8> {
        let length = u16::try_from(header.len()).unwrap().to_le_bytes();
        [b"\x93NUMPY\x01\x00", &length[..], header.as_bytes(), data].concat()
    }

    #[test]
    fn headers_are_read() {
        let bytes = file("{'descr': '<f4', 'fortran_order': False, 'shape': (2, 1), }  \n", &[0; 8]);
        let array = Npy::read(&bytes).unwrap().unwrap();
        assert_eq!((array.descr, &array.shape[..], array.data.len()), ("<f4", &[2, 1][..], 8));
        let bytes = file("{'descr': '|b1', 'fortran_order': False, 'shape': (), }\n", &[1]);
        assert!(Npy::read(&bytes).unwrap().unwrap().shape.is_empty());
    }

    #[test]
    fn what_is_not_understood_is_refused() {
        assert_eq!(Npy::read(b"raw bytes"), None);
        let bytes = file("{'descr': '<f4', 'fortran_order': True, 'shape': (2, 3), }", &[0; 24]);
        assert!(Npy::read(&bytes).unwrap().unwrap_err().contains("column-major"));
        let good = file("{'descr': '<f4', 'fortran_order': False, 'shape': (2,), }\n", &[]);
        for end in 6..good.len() - 20 {
            assert!(Npy::read(&good[..end]).unwrap().is_err(), "{end}");
        }
        let structured = file("{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (2,), }", &[]);
        assert!(Npy::read(&structured).unwrap().is_err());
    }
}
