//! C types: how they are written, and how their values are passed.

/// A C type, as far as declarations and calls need it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Type {
    Void,
    /// What the information does not tell or what makes no sense.
    Unknown,
    /// A type with a name of its own, and how it is passed: `int`, `enum colour`, `struct point`.
    Plain(String, Class),
    /// A `typedef`.
    Named(String, Box<Type>),
    /// `const` and its kind.
    Qualified(&'static str, Box<Type>),
    /// A pointer of so many bytes.
    Pointer(u64, Box<Type>),
    Function(Box<Type>, Vec<Type>),
    Array(Box<Type>),
}

/// How a value is passed to a function and returned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Class {
    Void,
    Unknown,
    Bool,
    Integer {
        size: u64,
        sign: Sign,
    },
    Float {
        size: u64,
    },
    Pointer {
        size: u64,
        to: Pointee,
    },
    /// In a way that no slot can: structures by value, complex numbers, vectors.
    Other,
}

/// Whether an integer can be negative.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Sign {
    Signed,
    Unsigned,
    /// The compiler's choice: `char` and enumerations. A program may take it either way.
    Either,
}

/// What a pointer points to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Pointee {
    /// `char`; whether it is `const`.
    Char {
        constant: bool,
    },
    Void,
    /// Bytes that are no characters: `uint8_t`.
    Byte,
    /// Anything else.
    Data,
    /// Nothing that a program has to do with: the manifest says `ptr`.
    Opaque,
    Code,
}

/// A parameter or result: what C calls it, and how it is passed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Value {
    pub spelling: String,
    pub class: Class,
}

impl Value {
    pub fn new(ty: &Type, name: &str) -> Value {
        Value { spelling: ty.spelled(name), class: ty.class() }
    }
}

/// How C writes a declaration.
pub(super) fn declaration(result: &Type, name: &str, params: &[Value], variadic: bool) -> String {
    let ellipsis = variadic.then_some("...");
    let params: Vec<_> = params.iter().map(|p| &*p.spelling).chain(ellipsis).collect();
    let params = if params.is_empty() { "void".to_owned() } else { params.join(", ") };
    result.spelled(&format!("{name}({params})"))
}

impl Type {
    /// An integer type.
    pub fn integer(name: &str, size: u64, sign: Sign) -> Type {
        let class = match size {
            1 | 2 | 4 | 8 => Class::Integer { size, sign },
            _ => Class::Other,
        };
        Type::Plain(name.to_owned(), class)
    }

    /// A floating-point type.
    pub fn float(name: &str, size: u64) -> Type {
        let class = if matches!(size, 4 | 8) { Class::Float { size } } else { Class::Other };
        Type::Plain(name.to_owned(), class)
    }

    /// How C declares `inner`, a name with what is around it already, to have this type.
    pub fn spelled(&self, inner: &str) -> String {
        let beside = |name: &str| match inner {
            "" => name.to_owned(),
            _ => format!("{name} {inner}"),
        };
        match self {
            Type::Void => beside("void"),
            Type::Unknown => beside("?"),
            Type::Plain(name, _) | Type::Named(name, _) => beside(name),
            Type::Qualified(word, of) if matches!(**of, Type::Pointer(..)) => {
                of.spelled(format!("{word} {inner}").trim_end())
            }
            Type::Qualified(word, of) => format!("{word} {}", of.spelled(inner)),
            Type::Pointer(_, to) => match **to {
                Type::Function(..) | Type::Array(_) => to.spelled(&format!("(*{inner})")),
                _ => to.spelled(&format!("*{inner}")),
            },
            Type::Function(result, params) => {
                let params: Vec<_> = params.iter().map(|p| p.spelled("")).collect();
                result.spelled(&format!("{inner}({})", params.join(", ")))
            }
            Type::Array(of) => of.spelled(&format!("{inner}[]")),
        }
    }

    /// How values of this type are passed.
    pub fn class(&self) -> Class {
        match self {
            Type::Void => Class::Void,
            Type::Unknown => Class::Unknown,
            Type::Plain(_, class) => *class,
            Type::Named(_, is) | Type::Qualified(_, is) => is.class(),
            Type::Pointer(size, to) => Class::Pointer { size: *size, to: to.pointee() },
            // As parameters these are written, but pointers are passed; and there are no others.
            Type::Function(..) | Type::Array(_) => Class::Unknown,
        }
    }

    fn pointee(&self) -> Pointee {
        match self {
            Type::Qualified("const", of) => match of.pointee() {
                Pointee::Char { .. } => Pointee::Char { constant: true },
                other => other,
            },
            Type::Qualified(_, is) | Type::Named(_, is) => is.pointee(),
            Type::Void => Pointee::Void,
            Type::Plain(name, Class::Integer { size: 1, .. }) => match name.contains("char") {
                // `uint8_t` is `unsigned char` at the bottom, and nobody writes text in it.
                true if !name.starts_with("unsigned") => Pointee::Char { constant: false },
                _ => Pointee::Byte,
            },
            Type::Function(..) => Pointee::Code,
            _ => Pointee::Data,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types_are_spelled_as_c_writes_them() {
        let int = || Box::new(Type::integer("int", 4, Sign::Signed));
        let pointer = |to: Type| Type::Pointer(8, Box::new(to));
        let constant = |of: Type| Type::Qualified("const", Box::new(of));
        for (ty, expected) in [
            (*int(), "int x"),
            (pointer(constant(*int())), "const int *x"),
            (constant(pointer(Type::Void)), "void *const x"),
            (pointer(pointer(*int())), "int **x"),
            (
                pointer(Type::Function(int(), vec![*int(), pointer(Type::Void)])),
                "int (*x)(int, void *)",
            ),
            (pointer(Type::Array(int())), "int (*x)[]"),
            (Type::Named("size_t".into(), int()), "size_t x"),
        ] {
            assert_eq!(ty.spelled("x"), expected);
        }
        assert_eq!(constant(pointer(Type::Void)).spelled(""), "void *const");
        assert_eq!(declaration(&pointer(*int()), "f", &[], false), "int *f(void)");
        let any = [Value::new(&int(), "")];
        assert_eq!(declaration(&Type::Void, "f", &any, true), "void f(int, ...)");
    }
}
