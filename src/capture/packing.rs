//! Packed captures: gzip and zstd are known by their first octets and taken off while reading.

use super::format::CaptureError;
use flate2::bufread::MultiGzDecoder;
use ruzstd::decoding::errors::{FrameDecoderError, ReadFrameHeaderError};
use ruzstd::decoding::{BlockDecodingStrategy, FrameDecoder};
use std::error::Error;
use std::io::{self, BufRead, BufReader, Cursor, Read};
use std::iter;

/// What a packed capture may unpack to, in octets; a small file can claim to hold any number of them.
const MOST: u64 = 4 << 30;
/// Octets that are read at once.
const BUFFER: usize = 256 << 10;
/// Octets that tell a packing.
const MAGIC: usize = 6;

/// Other packings by their first octets, and the program that undoes each.
const OTHERS: [(&[u8], &str, &str); 4] = [
    (b"\xfd7zXZ\0", "xz", "xz -dc"),
    (b"BZh", "bzip2", "bzip2 -dc"),
    (b"\x04\x22\x4d\x18", "lz4", "lz4 -dc"),
    (b"PK\x03\x04", "zip", "unzip -p"),
];

/// The octets of a capture, unpacked.
pub(super) struct Unpacked<'a> {
    pub octets: Box<dyn Read + 'a>,
    /// Whether it was packed, so that a place in it is none in the file.
    pub packed: bool,
}

/// Unpacks what is packed with gzip or zstd, and gives everything else as it is.
pub(super) fn unpack<'a>(mut source: impl Read + 'a) -> Result<Unpacked<'a>, CaptureError> {
    let mut first = Vec::new();
    let read = (&mut source).take(MAGIC as u64).read_to_end(&mut first);
    read.map_err(|error| CaptureError(format!("it cannot be read: {error}")))?;
    let kind = first.clone();
    let whole = BufReader::with_capacity(BUFFER, Cursor::new(first).chain(source));
    let octets: Box<dyn Read + 'a> = match kind.as_slice() {
        [0x1f, 0x8b, ..] => Box::new(Bounded::new(MultiGzDecoder::new(whole), MOST)),
        [0x28, 0xb5, 0x2f, 0xfd, ..] | [0x50..=0x5f, 0x2a, 0x4d, 0x18, ..] => {
            Box::new(Bounded::new(Zstd::new(whole), MOST))
        }
        _ => {
            if let Some((_, name, program)) = OTHERS.iter().find(|(magic, ..)| kind.starts_with(magic)) {
                let remedy = format!("`{program} FILE | tcpvet inspect -` reads it");
                return Err(CaptureError(format!("it is packed with {name}; {remedy}")));
            }
            return Ok(Unpacked {
                octets: Box::new(whole),
                packed: false,
            });
        }
    };
    Ok(Unpacked { octets, packed: true })
}

/// Fails where more comes out than is allowed.
struct Bounded<R> {
    source: R,
    left: u64,
}

impl<R: Read> Bounded<R> {
    fn new(source: R, most: u64) -> Bounded<R> {
        Bounded { source, left: most }
    }
}

impl<R: Read> Read for Bounded<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.source.read(buffer)?;
        self.left = self.left.checked_sub(read as u64).ok_or_else(|| {
            io::Error::other("it unpacks to more than 4 GiB; unpack it first, and inspect the part that matters")
        })?;
        Ok(read)
    }
}

/// What is said of a zstd stream that is cut short.
const ENDS_EARLY: &str = "the zstd stream ends early";

/// Why a zstd stream cannot be unpacked, in words for the reader of a capture.
fn plain(error: &FrameDecoderError) -> io::Error {
    match error {
        FrameDecoderError::WindowSizeTooBig { .. } => {
            return io::Error::other("the zstd stream needs too much memory; `zstd -dc --long=31 FILE` unpacks it");
        }
        FrameDecoderError::DictNotProvided { .. } => {
            return io::Error::other("the zstd stream needs a dictionary; `zstd -dc -D DICTIONARY FILE` unpacks it");
        }
        _ => {}
    }
    let mut causes = iter::successors(Some(error as &dyn Error), |&error| error.source());
    match causes
        .find_map(|error| error.downcast_ref::<io::Error>())
        .map(io::Error::kind)
    {
        Some(io::ErrorKind::UnexpectedEof) => io::Error::other(ENDS_EARLY),
        Some(kind) => kind.into(),
        None => io::Error::other("the zstd stream is damaged"),
    }
}

/// The frames of zstd one after the other, those to be passed over left out (RFC 8878 section 3.1).
struct Zstd<R> {
    source: R,
    decoder: FrameDecoder,
    within: bool,
    /// What ends the reading as soon as all that was unpacked before has been read.
    failure: Option<io::Error>,
}

impl<R: BufRead> Zstd<R> {
    fn new(source: R) -> Zstd<R> {
        Zstd {
            source,
            decoder: FrameDecoder::new(),
            within: false,
            failure: None,
        }
    }

    /// Begins the next frame; says whether there is one.
    fn begin(&mut self) -> io::Result<bool> {
        while !self.source.fill_buf()?.is_empty() {
            match self.decoder.reset(&mut self.source) {
                Ok(()) => return Ok(true),
                Err(FrameDecoderError::ReadFrameHeaderError(ReadFrameHeaderError::SkipFrame { length, .. })) => {
                    let length = u64::from(length);
                    if io::copy(&mut (&mut self.source).take(length), &mut io::sink())? < length {
                        return Err(io::Error::other(ENDS_EARLY));
                    }
                }
                Err(error) => return Err(plain(&error)),
            }
        }
        Ok(false)
    }

    /// Unpacks the next block. Where that fails, the frame is ended with an empty last block and a checksum of zeros
    /// (RFC 8878 section 3.1.1.2): the decoder keeps back a window of what it unpacked until its frame has ended.
    fn unpack_block(&mut self) -> io::Result<()> {
        const LAST: [u8; 7] = [1, 0, 0, 0, 0, 0, 0];
        let one = || BlockDecodingStrategy::UptoBlocks(1);
        if let Err(error) = self.decoder.decode_blocks(&mut self.source, one()) {
            self.failure = Some(plain(&error));
            self.decoder
                .decode_blocks(&LAST[..], one())
                .map_err(|error| plain(&error))?;
        }
        Ok(())
    }

    /// Ends a frame of which everything has been read.
    fn end(&mut self) -> io::Result<()> {
        self.within = false;
        if let Some(failure) = self.failure.take() {
            return Err(failure);
        }
        let there = self.decoder.get_checksum_from_data();
        match there.is_some() && there != self.decoder.get_calculated_checksum() {
            true => Err(io::Error::other("the zstd stream is damaged: its checksum is wrong")),
            false => Ok(()),
        }
    }
}

impl<R: BufRead> Read for Zstd<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            if !self.within && !self.begin()? {
                return Ok(0);
            }
            self.within = true;
            while self.decoder.can_collect() == 0 && !self.decoder.is_finished() {
                self.unpack_block()?;
            }
            match self.decoder.read(buffer)? {
                0 if !buffer.is_empty() => self.end()?,
                read => return Ok(read),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use flate2::{Compression, write::GzEncoder};
    use ruzstd::encoding::{CompressionLevel, compress_to_vec};
    use std::io::Write;

    fn gzip(octets: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
        encoder.write_all(octets).unwrap();
        encoder.finish().unwrap()
    }

    fn zstd(octets: &[u8]) -> Vec<u8> {
        compress_to_vec(octets, CompressionLevel::Fastest)
    }

    fn unpacked(octets: &[u8]) -> io::Result<Vec<u8>> {
        let mut out = Vec::new();
        unpack(octets).unwrap().octets.read_to_end(&mut out).map(|_| out)
    }

    #[test]
    fn packed_octets_come_out_as_they_were_and_so_do_several_packed_ones_in_a_row() {
        let text = b"a capture, of which some is said again and again and again".repeat(9);
        let twice = [&text[..], &text].concat();
        assert_eq!(unpacked(&text).unwrap(), text);
        assert_eq!(unpacked(&[gzip(&text), gzip(&text)].concat()).unwrap(), twice);
        let skipped = [&[0x50, 0x2a, 0x4d, 0x18, 3, 0, 0, 0][..], b"abc"].concat();
        assert_eq!(
            unpacked(&[skipped.clone(), zstd(&text), zstd(b""), skipped, zstd(&text)].concat()).unwrap(),
            twice
        );
    }

    #[test]
    fn what_ends_too_soon_or_makes_no_sense_is_an_error_and_no_panic() {
        for packed in [gzip(b"some octets of a capture"), zstd(b"some octets of a capture")] {
            for length in 6..packed.len() {
                assert!(unpacked(&packed[..length]).is_err(), "{length}");
                let mut changed = packed.clone();
                changed[length] ^= 0x55;
                drop(unpacked(&changed));
            }
        }
    }

    /// What comes out of a zstd stream before an error, and the error.
    fn before_error(octets: &[u8]) -> (Vec<u8>, String) {
        let mut out = Vec::new();
        let error = unpack(octets).unwrap().octets.read_to_end(&mut out).unwrap_err();
        (out, error.to_string())
    }

    #[test]
    fn a_wrong_checksum_of_zstd_is_told_after_what_was_unpacked() {
        let mut packed = zstd(b"some octets of a capture");
        *packed.last_mut().unwrap() ^= 1;
        let (out, error) = before_error(&packed);
        assert_eq!(out, b"some octets of a capture");
        assert_eq!(error, "the zstd stream is damaged: its checksum is wrong");
    }

    #[test]
    fn what_was_unpacked_before_zstd_ends_early_or_makes_no_sense_comes_out() {
        // Pseudo-random octets cannot be compressed, so that they are several blocks.
        let text: Vec<u8> = (0..400_000_u32)
            .map(|at| (at.wrapping_mul(2_654_435_761) >> 13) as u8)
            .collect();
        let packed = zstd(&text);
        for length in [packed.len() - 1, packed.len() - 5, packed.len() - 100] {
            let (out, error) = before_error(&packed[..length]);
            assert_eq!(error, ENDS_EARLY, "{length}");
            assert!(out.len() > 100_000 && text.starts_with(&out), "{length}: {}", out.len());
        }
        for length in 6..40 {
            assert_eq!(before_error(&packed[..length]).1, ENDS_EARLY, "{length}");
        }
        let (out, error) = before_error(&[zstd(b"some octets"), vec![9; 40]].concat());
        assert_eq!(
            (&out[..], error.as_str()),
            (&b"some octets"[..], "the zstd stream is damaged")
        );
    }

    #[test]
    fn more_than_is_allowed_is_refused_with_a_remedy() {
        let mut bounded = Bounded::new(io::repeat(0), 1 << 20);
        let error = bounded.read_to_end(&mut Vec::new()).unwrap_err();
        assert!(error.to_string().contains("unpack it first"), "{error}");
    }

    #[test]
    fn other_packings_are_named_with_the_program_that_undoes_them() {
        let error = unpack(&b"\xfd7zXZ\0..."[..]).err().unwrap();
        assert!(error.0.contains("`xz -dc FILE | tcpvet inspect -`"), "{error}");
    }
}
