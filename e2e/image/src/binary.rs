//! The program: looked at before it is packed, since `exec format error` in a cluster says little.

use object::elf::{EM_AARCH64, EM_X86_64, FileHeader64, PT_INTERP};
use object::endian::Endianness;
use object::read::elf::{FileHeader as _, ProgramHeader as _};

use crate::NotUsable;

/// The architecture of a static program, in the words of the OCI image specification.
///
/// # Errors
/// It is no ELF program, needs a dynamic linker, or runs on another processor.
pub(crate) fn architecture(program: &[u8]) -> Result<&'static str, NotUsable> {
    let header = FileHeader64::<Endianness>::parse(program).map_err(|_| NotUsable::NotElf)?;
    let endian = header.endian().map_err(|_| NotUsable::NotElf)?;
    let segments = header
        .program_headers(endian, program)
        .map_err(|_| NotUsable::NotElf)?;
    // A static position-independent program has a dynamic section too; only the interpreter tells.
    if segments.iter().any(|segment| segment.p_type(endian) == PT_INTERP) {
        return Err(NotUsable::Dynamic);
    }
    match header.e_machine(endian) {
        EM_X86_64 => Ok("amd64"),
        EM_AARCH64 => Ok("arm64"),
        _ => Err(NotUsable::Machine),
    }
}
