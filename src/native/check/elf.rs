//! ELF headers and segments: what is where in the file and in memory.

use super::sniff::LINK_SHARED;
use super::{Flaw, ensure};
use object::elf;
use object::pod::Pod;
use object::read::ReadRef;
use object::{NativeEndian as Endian, elf::FileHeader64 as FileHeader};

pub(super) type SectionHeader = elf::SectionHeader64<Endian>;
type ProgramHeader = elf::ProgramHeader64<Endian>;

/// The byte order of this machine, for reading fields.
pub(super) const ORDER: Endian = Endian;

/// The machines that files name most often.
const MACHINES: &[(u16, &str, &str)] = &[
    (elf::EM_X86_64, "x86_64", "x86-64"),
    (elf::EM_AARCH64, "aarch64", "64-bit ARM"),
    (elf::EM_386, "x86", "32-bit x86"),
    (elf::EM_ARM, "arm", "32-bit ARM"),
    (elf::EM_RISCV, "riscv64", "RISC-V"),
    (elf::EM_PPC64, "powerpc64", "64-bit PowerPC"),
    (elf::EM_S390, "s390x", "IBM Z"),
    (elf::EM_LOONGARCH, "loongarch64", "LoongArch"),
];

/// The machine that this hotvm runs on.
pub(super) fn host() -> &'static str {
    let arch = std::env::consts::ARCH;
    MACHINES.iter().find(|m| m.1 == arch).map_or(arch, |m| m.2)
}

/// A part of the file that the loader maps.
#[derive(Clone, Copy, Debug)]
pub(super) struct Segment {
    pub address: u64,
    pub memory_size: u64,
    pub offset: u64,
    pub file_size: u64,
    flags: u32,
}

impl Segment {
    fn new(header: &ProgramHeader) -> Segment {
        Segment {
            address: header.p_vaddr.get(ORDER),
            memory_size: header.p_memsz.get(ORDER),
            offset: header.p_offset.get(ORDER),
            file_size: header.p_filesz.get(ORDER),
            flags: header.p_flags.get(ORDER),
        }
    }

    pub fn is_code(&self) -> bool {
        self.flags & elf::PF_X != 0
    }

    /// Whether `size` bytes at `address` are in its memory.
    fn holds(&self, address: u64, size: u64) -> bool {
        within(address, size, self.address, self.memory_size)
    }
}

/// Whether `size` bytes at `start` lie in the `whole` bytes at `base`.
fn within(start: u64, size: u64, base: u64, whole: u64) -> bool {
    start.checked_sub(base).is_some_and(|offset| size <= whole && offset <= whole - size)
}

/// A file whose header and segments are sound.
pub(super) struct Image<'a> {
    pub bytes: &'a [u8],
    pub header: &'a FileHeader<Endian>,
    /// What is mapped, by ascending address.
    pub segments: Vec<Segment>,
    /// Where the dynamic table is in memory, and its size.
    pub dynamic: (u64, u64),
    /// Whether each thread has variables of its own in it.
    pub has_thread_locals: bool,
}

impl<'a> Image<'a> {
    /// Reads header and segments.
    pub fn parse(bytes: &'a [u8]) -> Result<Image<'a>, Flaw> {
        check_identity(bytes)?;
        let header: &FileHeader<Endian> = bytes
            .read_at(0)
            .map_err(|()| Flaw::Incomplete(format!("its {} bytes are no header", bytes.len())))?;
        check_machine(header)?;
        check_type(header)?;
        let headers = program_headers(bytes, header)?;
        let segments: Vec<Segment> = headers
            .iter()
            .filter(|h| h.p_type.get(ORDER) == elf::PT_LOAD)
            .map(Segment::new)
            .collect();
        let has_thread_locals = headers.iter().any(|h| h.p_type.get(ORDER) == elf::PT_TLS);
        let mut image = Image { bytes, header, segments, dynamic: (0, 0), has_thread_locals };
        for header in headers {
            image.check_segment(header)?;
        }
        ensure(!image.segments.is_empty(), || "it has nothing to load".to_owned())?;
        let ordered = image.segments.windows(2).all(|pair| {
            pair[0].address.checked_add(pair[0].memory_size).is_some_and(|e| e <= pair[1].address)
        });
        ensure(ordered, || "its segments overlap".to_owned())?;
        ensure(image.dynamic.1 > 0, || "it has no dynamic table".to_owned())?;
        Ok(image)
    }

    fn check_segment(&mut self, header: &ProgramHeader) -> Result<(), Flaw> {
        let segment = Segment::new(header);
        let kind = header.p_type.get(ORDER);
        let size = self.bytes.len() as u64;
        ensure(within(segment.offset, segment.file_size, 0, size), || {
            let end = segment.offset.saturating_add(segment.file_size);
            format!("a segment ends at byte {end}, the file at byte {size}")
        })?;
        match kind {
            elf::PT_LOAD => {
                let align = header.p_align.get(ORDER).max(1);
                let skew = segment.address.wrapping_sub(segment.offset);
                ensure(
                    align.is_power_of_two()
                        && skew & (align - 1) == 0
                        && segment.file_size <= segment.memory_size
                        && segment.address.checked_add(segment.memory_size).is_some(),
                    || "a segment cannot be mapped".to_owned(),
                )
            }
            elf::PT_DYNAMIC => {
                self.dynamic = (segment.address, segment.memory_size);
                self.table::<u8>(segment.address, segment.memory_size, "dynamic table").map(drop)
            }
            elf::PT_NOTE | elf::PT_GNU_EH_FRAME | elf::PT_GNU_PROPERTY => {
                self.table::<u8>(segment.address, segment.file_size, "note").map(drop)
            }
            elf::PT_GNU_RELRO => ensure(self.in_memory(segment.address, 1), || {
                "its read-only data lies outside of its segments".to_owned()
            }),
            _ => Ok(()),
        }
    }

    /// The entries in the `size` bytes at `address`, all of which must come from the file.
    pub fn table<T: Pod>(&self, address: u64, size: u64, what: &str) -> Result<&'a [T], Flaw> {
        let find = || {
            let count = usize::try_from(size).ok()? / size_of::<T>();
            self.bytes.read_slice_at(self.offset(address, size)?, count).ok()
        };
        find().ok_or_else(|| Flaw::Incomplete(format!("its {what} is not inside the file")))
    }

    /// Where in the file the `size` bytes at `address` are, if all of them are.
    pub fn offset(&self, address: u64, size: u64) -> Option<u64> {
        let inside = |s: &&Segment| within(address, size, s.address, s.file_size);
        let segment = self.segments.iter().find(inside)?;
        segment.offset.checked_add(address - segment.address)
    }

    /// One entry at `address`.
    pub fn entry<T: Pod>(&self, address: u64, what: &str) -> Result<&'a T, Flaw> {
        Ok(&self.table::<T>(address, size_of::<T>() as u64, what)?[0])
    }

    /// Whether the bytes are mapped at all, from the file or as zeros.
    pub fn in_memory(&self, address: u64, size: u64) -> bool {
        self.segments.iter().any(|s| s.holds(address, size))
    }

    /// Whether the bytes are mapped as code.
    pub fn in_code(&self, address: u64, size: u64) -> bool {
        self.segments.iter().any(|s| s.is_code() && s.holds(address, size))
    }
}

/// Class and byte order, which decide how all the rest is read.
fn check_identity(bytes: &[u8]) -> Result<(), Flaw> {
    let (Some(&class), Some(&order)) = (bytes.get(4), bytes.get(5)) else {
        return Err(Flaw::Incomplete(format!("its {} bytes are no header", bytes.len())));
    };
    ensure(class != 0 && order != 0, || "its header is not written yet".to_owned())?;
    let ours = if cfg!(target_endian = "little") { elf::ELFDATA2LSB } else { elf::ELFDATA2MSB };
    match (class, order) {
        (elf::ELFCLASS64, order) if order == ours => Ok(()),
        (elf::ELFCLASS32, _) => Err(Flaw::WrongMachine("a 32-bit machine".to_owned())),
        (elf::ELFCLASS64, elf::ELFDATA2LSB | elf::ELFDATA2MSB) => {
            Err(Flaw::WrongMachine("a machine of the other byte order".to_owned()))
        }
        _ => Err(Flaw::Incomplete("its header makes no sense".to_owned())),
    }
}

fn check_machine(header: &FileHeader<Endian>) -> Result<(), Flaw> {
    let machine = header.e_machine.get(ORDER);
    ensure(machine != 0, || "its header is not written yet".to_owned())?;
    let known = MACHINES.iter().find(|m| m.0 == machine);
    match known {
        Some(known) if known.1 == std::env::consts::ARCH => Ok(()),
        // On a machine that the table lacks, the loader must judge.
        None if host() == std::env::consts::ARCH => Ok(()),
        Some(known) => Err(Flaw::WrongMachine(known.2.to_owned())),
        None => Err(Flaw::WrongMachine(format!("machine number {machine}"))),
    }
}

fn check_type(header: &FileHeader<Endian>) -> Result<(), Flaw> {
    let other = |what: &str, help| Err(Flaw::NotALibrary(what.to_owned(), help));
    match header.e_type.get(ORDER) {
        elf::ET_DYN => ensure(header.e_version.get(ORDER) == u32::from(elf::EV_CURRENT), || {
            "its header makes no sense".to_owned()
        }),
        elf::ET_NONE => Err(Flaw::Incomplete("its header is not written yet".to_owned())),
        elf::ET_REL => other("an object file", Some(LINK_SHARED)),
        elf::ET_EXEC => other("a program, not a shared library", Some(LINK_SHARED)),
        elf::ET_CORE => other("a core dump", None),
        _ => Err(Flaw::Incomplete("its header makes no sense".to_owned())),
    }
}

fn program_headers<'a>(
    bytes: &'a [u8],
    header: &FileHeader<Endian>,
) -> Result<&'a [ProgramHeader], Flaw> {
    let count = header.e_phnum.get(ORDER);
    let size = usize::from(header.e_phentsize.get(ORDER));
    ensure(count > 0 && size == size_of::<ProgramHeader>(), || {
        "its header names no segments".to_owned()
    })?;
    bytes
        .read_slice_at(header.e_phoff.get(ORDER), count.into())
        .map_err(|()| Flaw::Incomplete("its segment table is not inside the file".to_owned()))
}
