//! Dynamic symbols and the hash tables that the loader looks them up in.

use super::dynamic::Dynamic;
use super::elf::{Image, ORDER};
use super::exports::{Exports, Kind};
use super::{Flaw, ensure};
use object::NativeEndian as Endian;
use object::elf::{self, GnuHashHeader, HashHeader, Sym64};
use object::endian::U32;

type Sym = Sym64<Endian>;
type Word = U32<Endian>;

/// The symbol table, each of whose entries is sound.
pub(super) struct Symbols<'a> {
    table: &'a [Sym],
    names: Vec<&'a [u8]>,
    start: u64,
}

impl<'a> Symbols<'a> {
    /// Reads all symbols. How many there are only the hash tables tell.
    pub fn parse(image: &Image<'a>, dynamic: &Dynamic<'a>) -> Result<Symbols<'a>, Flaw> {
        let Some(start) = dynamic.get(elf::DT_SYMTAB) else {
            return Err(Flaw::Incomplete("its dynamic table names no symbols".to_owned()));
        };
        let sysv = dynamic.get(elf::DT_HASH).map(|at| sysv_hash(image, at)).transpose()?;
        let gnu = dynamic.get(elf::DT_GNU_HASH).map(|at| gnu_hash(image, at)).transpose()?;
        let count = sysv.max(gnu).unwrap_or(0);
        let table: &[Sym] = image.table(start, count * size_of::<Sym>() as u64, "symbol table")?;
        let name = |symbol: &Sym| dynamic.string(symbol.st_name.get(ORDER).into());
        let names = table.iter().map(name).collect::<Result<_, _>>()?;
        Ok(Symbols { table, names, start })
    }

    /// The number of symbols that the hash tables count.
    pub fn count(&self) -> u64 {
        self.table.len() as u64
    }

    /// Checks that a symbol that a relocation names is there. Undefined ones may follow those that
    /// the hash tables count.
    pub fn check_used(&self, image: &Image, dynamic: &Dynamic, index: u32) -> Result<(), Flaw> {
        if u64::from(index) < self.count() {
            return Ok(());
        }
        let offset = u64::from(index) * size_of::<Sym>() as u64;
        let symbol: &Sym = image.entry(self.start.saturating_add(offset), "symbol table")?;
        dynamic.string(symbol.st_name.get(ORDER).into()).map(drop)
    }

    /// The names that the library wants from others.
    pub fn imports(&self) -> impl Iterator<Item = &'a [u8]> {
        self.entries().filter(|(symbol, _)| !is_defined(symbol)).map(|(_, name)| name)
    }

    /// Whether the library defines a name.
    pub fn defines(&self, wanted: &[u8]) -> bool {
        self.entries().any(|(symbol, name)| is_defined(symbol) && name == wanted)
    }

    /// A symbol that exists once in a process, whichever libraries define it. The loader keeps the
    /// library of the first definition for good.
    pub fn unique(&self) -> Option<&'a [u8]> {
        let unique = |symbol: &Sym| symbol.st_bind() == elf::STB_GNU_UNIQUE;
        self.entries().find(|(symbol, _)| unique(symbol)).map(|(_, name)| name)
    }

    fn entries(&self) -> impl Iterator<Item = (&'a Sym, &'a [u8])> {
        self.table.iter().zip(self.names.iter().copied())
    }

    /// What the library offers, after a look at where each of it is.
    pub fn exports(&self, image: &Image) -> Result<Exports, Flaw> {
        let mut exports = Exports::default();
        for (symbol, name) in self.table.iter().zip(&self.names).skip(1) {
            if let Some(kind) = exported(image, symbol)?
                && let Ok(name) = std::str::from_utf8(name)
            {
                exports.add(name, kind);
            }
        }
        Ok(exports)
    }
}

fn is_defined(symbol: &Sym) -> bool {
    symbol.st_shndx.get(ORDER) != elf::SHN_UNDEF
}

/// What a symbol exports, if it does.
fn exported(image: &Image, symbol: &Sym) -> Result<Option<Kind>, Flaw> {
    let section = symbol.st_shndx.get(ORDER);
    let (address, size) = (symbol.st_value.get(ORDER), symbol.st_size.get(ORDER));
    if section == elf::SHN_UNDEF || section >= elf::SHN_LORESERVE {
        return Ok(None);
    }
    let kind = match symbol.st_type() {
        elf::STT_FUNC | elf::STT_GNU_IFUNC => {
            ensure(image.in_code(address, size), || "a function is outside of its code".into())?;
            ensure(is_written(image, address, size), || "a function is all zeros".to_owned())?;
            Kind::Function
        }
        // Assembly often leaves the type out.
        elf::STT_NOTYPE if image.in_code(address, 1) => Kind::Function,
        _ => Kind::Data { size },
    };
    let visible = matches!(symbol.st_visibility(), elf::STV_DEFAULT | elf::STV_PROTECTED);
    Ok((visible && symbol.st_bind() != elf::STB_LOCAL).then_some(kind))
}

fn is_written(image: &Image, address: u64, size: u64) -> bool {
    let code = image.table::<u8>(address, size, "function");
    size == 0 || code.is_ok_and(|code| code.iter().any(|&byte| byte != 0))
}

/// Walks a System V hash table, and returns the number of symbols.
fn sysv_hash(image: &Image, at: u64) -> Result<u64, Flaw> {
    let header: &HashHeader<Endian> = image.entry(at, "hash table")?;
    let buckets = u64::from(header.bucket_count.get(ORDER));
    let count = header.chain_count.get(ORDER);
    let at = at.saturating_add(size_of_val(header) as u64);
    let words: &[Word] = image.table(at, (buckets + u64::from(count)) * 4, "hash table")?;
    ensure(buckets > 0 && words.iter().all(|word| word.get(ORDER) < count), || {
        "its hash table makes no sense".to_owned()
    })?;
    Ok(count.into())
}

/// Walks a GNU hash table, and returns the number of symbols: one more than the last in the chain
/// that begins last. Each chain is closed by an odd hash.
fn gnu_hash(image: &Image, at: u64) -> Result<u64, Flaw> {
    let header: &GnuHashHeader<Endian> = image.entry(at, "hash table")?;
    let bloom = header.bloom_count.get(ORDER);
    // The loader asserts this.
    ensure(bloom.is_power_of_two(), || "its hash table makes no sense".to_owned())?;
    let first = header.symbol_base.get(ORDER);
    let buckets_at = at.saturating_add(size_of_val(header) as u64 + u64::from(bloom) * 8);
    let buckets_size = u64::from(header.bucket_count.get(ORDER)) * 4;
    let buckets: &[Word] = image.table(buckets_at, buckets_size, "hash table")?;
    let chains_at = buckets_at.saturating_add(buckets_size);
    let last = buckets.iter().map(|bucket| bucket.get(ORDER)).max().unwrap_or(0);
    if last < first {
        return Ok(first.into());
    }
    let hash = |symbol: u64| {
        let offset = (symbol - u64::from(first)) * 4;
        image.entry::<Word>(chains_at.saturating_add(offset), "hash table").map(|h| h.get(ORDER))
    };
    let mut symbol = u64::from(last);
    while hash(symbol)? & 1 == 0 {
        symbol += 1;
    }
    Ok(symbol + 1)
}
