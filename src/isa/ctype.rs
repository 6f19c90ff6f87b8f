//! The C types of native signatures.

use super::value::{FuncType, ValueType};
use std::fmt;

/// Declares [`CType`] with its names, so that each fact about a type stands in one row.
macro_rules! c_types {
    ($($(#[$doc:meta])* $variant:ident $name:literal $c:literal [$($cell:ident)*];)*) => {
        /// A type in the signature of a native function.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum CType { $($(#[$doc])* $variant),* }

        impl CType {
            /// Every type, in the order of their codes in a file.
            pub const ALL: &'static [CType] = &[$(CType::$variant),*];

            /// The name in program text.
            pub fn name(self) -> &'static str {
                match self { $(CType::$variant => $name),* }
            }

            /// How C spells it.
            pub fn c_name(self) -> &'static str {
                match self { $(CType::$variant => $c),* }
            }

            /// The cells of the operand stack that a value of this type takes.
            pub fn cells(self) -> &'static [ValueType] {
                match self { $(CType::$variant => &[$(ValueType::$cell),*]),* }
            }
        }
    };
}

c_types! {
    /// Nothing; a result only.
    Void "void" "void" [];
    /// `int8_t`.
    I8 "i8" "int8_t" [I64];
    /// `int16_t`.
    I16 "i16" "int16_t" [I64];
    /// `int32_t`.
    I32 "i32" "int32_t" [I64];
    /// `int64_t`.
    I64 "i64" "int64_t" [I64];
    /// `uint8_t`.
    U8 "u8" "uint8_t" [I64];
    /// `uint16_t`.
    U16 "u16" "uint16_t" [I64];
    /// `uint32_t`.
    U32 "u32" "uint32_t" [I64];
    /// `uint64_t`: all 64 bits pass as they are.
    U64 "u64" "uint64_t" [I64];
    /// `bool`: 0 or 1.
    Bool "bool" "bool" [I64];
    /// `float`.
    F32 "f32" "float" [F64];
    /// `double`.
    F64 "f64" "double" [F64];
    /// An address in VM memory where a NUL-terminated string begins, passed as `const char*`; a
    /// parameter only.
    Cstr "cstr" "const char *" [I64];
    /// An address in VM memory and a length, passed as `void*, size_t`; a parameter only.
    Bytes "bytes" "void *, size_t" [I64 I64];
    /// An opaque host pointer: 0, or one that a native function of this VM returned.
    Ptr "ptr" "void *" [I64];
}

impl CType {
    /// The type called `name`.
    pub fn from_name(name: &str) -> Option<CType> {
        Self::ALL.iter().copied().find(|t| t.name() == name)
    }

    /// Whether a parameter may have this type.
    pub fn is_param(self) -> bool {
        self != CType::Void
    }

    /// Whether a result may have this type: memory of the VM cannot be a result.
    pub fn is_result(self) -> bool {
        !matches!(self, CType::Cstr | CType::Bytes)
    }

    /// The least and the greatest integer of the type, where it limits what a cell can hold.
    pub fn integer_range(self) -> Option<(i64, i64)> {
        Some(match self {
            CType::I8 => (i8::MIN.into(), i8::MAX.into()),
            CType::I16 => (i16::MIN.into(), i16::MAX.into()),
            CType::I32 => (i32::MIN.into(), i32::MAX.into()),
            CType::U8 => (0, u8::MAX.into()),
            CType::U16 => (0, u16::MAX.into()),
            CType::U32 => (0, u32::MAX.into()),
            CType::Bool => (0, 1),
            _ => return None,
        })
    }
}

impl fmt::Display for CType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// The signature of a native function.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Signature {
    /// Parameters, first to last.
    pub params: Vec<CType>,
    /// The result; [`CType::Void`] for none.
    pub result: CType,
}

impl Default for Signature {
    /// `(i32, i32) -> i32`, the signature of a slot that declares none.
    fn default() -> Self {
        Signature { params: vec![CType::I32, CType::I32], result: CType::I32 }
    }
}

impl Signature {
    /// The greatest number of parameters; C guarantees 127.
    pub const MAX_PARAMS: usize = 127;

    /// What a call takes from the operand stack and leaves there.
    pub fn func_type(&self) -> FuncType {
        FuncType {
            params: self.params.iter().flat_map(|p| p.cells()).copied().collect(),
            result: self.result.cells().first().copied(),
        }
    }

    /// The C declaration of a function of this signature.
    pub fn c_declaration(&self, name: &str) -> String {
        let params: Vec<_> = self.params.iter().map(|p| p.c_name()).collect();
        let params = if params.is_empty() { "void".to_owned() } else { params.join(", ") };
        let gap = if self.result.c_name().ends_with('*') { "" } else { " " };
        format!("{}{gap}{name}({params})", self.result.c_name())
    }
}

impl fmt::Display for Signature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let params: Vec<_> = self.params.iter().map(|p| p.name()).collect();
        write!(f, "({})", params.join(", "))?;
        match self.result {
            CType::Void => Ok(()),
            result => write!(f, " -> {result}"),
        }
    }
}
