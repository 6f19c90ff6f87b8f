//! Arguments and results of every type, wherever the machine passes them.

use super::super::CallError;
use super::*;
use crate::diagnostics::Code;
use CType::*;

/// One function, ready to be called.
fn bind(code: &str, params: &[CType], result: CType) -> Libraries {
    let lab = Lab::new();
    lab.compile("libf.so", &format!("#include <hotvm.h>\n#include <stdarg.h>\n{code}"));
    lab.bound(&[import("f", "f", params, result)])
}

fn call(libraries: &mut Libraries, cells: &[u64]) -> u64 {
    libraries.call(0, cells, &mut []).unwrap().unwrap()
}

fn error(libraries: &mut Libraries, cells: &[u64], memory: &mut [u8]) -> CallError {
    libraries.call(0, cells, memory).unwrap_err()
}

#[test]
fn no_arguments_and_no_result() {
    let lab = Lab::new();
    lab.compile("libf.so", "static long n; void step(void) { n++; } long get(void) { return n; }");
    let step = import("f", "step", &[], Void);
    let mut libraries = lab.bound(&[step, number("f", "get")]);
    for expected in 1..=3 {
        assert_eq!(libraries.call(0, &[], &mut []), Ok(None));
        assert_eq!(ask(&mut libraries, 1, &[]), expected);
    }
}

#[test]
fn twelve_integers_arrive_in_order() {
    let params: Vec<_> = (0..12).map(|i| format!("int64_t a{i}")).collect();
    let sum: Vec<_> = (0..12).map(|i| format!("a{i} * {}", i + 1)).collect();
    let code = format!("int64_t f({}) {{ return {}; }}", params.join(", "), sum.join(" + "));
    let mut libraries = bind(&code, &[I64; 12], I64);
    let args: Vec<i64> = (0..12).map(|i| 1000 - 77 * i).collect();
    let expected: i64 = args.iter().zip(1..).map(|(a, weight)| a * weight).sum();
    assert_eq!(ask(&mut libraries, 0, &args), expected);
}

#[test]
fn twelve_floats_arrive_in_order() {
    let params: Vec<_> = (0..12).map(|i| format!("double a{i}")).collect();
    let sum: Vec<_> = (0..12).map(|i| format!("a{i} * {}", i + 1)).collect();
    let code = format!("double f({}) {{ return {}; }}", params.join(", "), sum.join(" + "));
    let mut libraries = bind(&code, &[F64; 12], F64);
    let args: Vec<f64> = (0..12).map(|i| 0.5 - 3.0 * f64::from(i)).collect();
    let expected: f64 = args.iter().zip(1..).map(|(a, weight)| a * f64::from(weight)).sum();
    let cells: Vec<u64> = args.iter().map(|a| a.to_bits()).collect();
    assert_eq!(f64::from_bits(call(&mut libraries, &cells)), expected);
}

#[test]
fn small_types_pass_at_their_limits() {
    let types = [I8, I16, I32, U8, U16, U32, Bool];
    for ctype in types {
        let (least, greatest) = ctype.integer_range().unwrap();
        let code = format!("int64_t f({} x) {{ return x; }}", ctype.c_name());
        let mut libraries = bind(&code, &[ctype], I64);
        for value in [least, 0, 1, greatest] {
            assert_eq!(ask(&mut libraries, 0, &[value]), value, "{ctype}");
        }
        for value in [least - 1, greatest + 1, i64::MIN, i64::MAX] {
            let error = error(&mut libraries, &[value as u64], &mut []);
            assert_eq!(error.code(), Code::BadArgument);
            let text = error.to_string();
            let parts = ["argument 1", "`f`", &value.to_string(), ctype.name()];
            assert!(parts.iter().all(|part| text.contains(part)), "{text}");
        }
    }
}

#[test]
fn whole_words_pass_all_their_bits() {
    for ctype in [I64, U64] {
        let code = format!("{0} f({0} x) {{ return x; }}", ctype.c_name());
        let mut libraries = bind(&code, &[ctype], ctype);
        for value in [0, 1, u64::MAX, 1 << 63] {
            assert_eq!(call(&mut libraries, &[value]), value);
        }
    }
}

#[test]
fn garbage_above_a_small_result_is_cut_off() {
    let code = "uint64_t f(void) { return 0xdeadbeefcafe8180u; }";
    let cases: [(CType, i64); 7] = [
        (I8, -0x80),
        (U8, 0x80),
        (I16, 0x8180 - 0x1_0000),
        (U16, 0x8180),
        (I32, 0xcafe_8180 - 0x1_0000_0000),
        (U32, 0xcafe_8180),
        (Bool, 1),
    ];
    for (ctype, expected) in cases {
        assert_eq!(call(&mut bind(code, &[], ctype), &[]) as i64, expected, "{ctype}");
    }
    let zero = "uint64_t f(void) { return 0xdeadbeef00000000u; }";
    assert_eq!(call(&mut bind(zero, &[], Bool), &[]), 0);
    assert_eq!(call(&mut bind(zero, &[], I32), &[]), 0);
}

#[test]
fn single_floats_are_rounded_and_must_fit() {
    let mut libraries = bind("float f(float x) { return x; }", &[F32], F32);
    let mut round = |x: f64| f64::from_bits(call(&mut libraries, &[x.to_bits()]));
    for x in [0.0, -0.0, 1.5, 0.1, f64::from(f32::MAX), 1e-46, f64::INFINITY, f64::NEG_INFINITY] {
        assert_eq!(round(x).to_bits(), f64::from(x as f32).to_bits());
    }
    assert!(round(f64::NAN).is_nan());
    let text = error(&mut libraries, &[1e39f64.to_bits()], &mut []).to_string();
    assert!(text.contains("1e39") && text.contains("f32"), "{text}");
}

#[test]
fn mixtures_fill_both_kinds_of_registers_and_the_stack() {
    let code = "double f(int8_t a, float b, int64_t c, double d, uint32_t e, double f_, int16_t g,
        double h, bool i, float j, int64_t k, double l, int64_t m, double n, double o, double p, int32_t q)
        { return a + 2*b + 3*c + 4*d + 5*(double)e + 6*f_ + 7*g + 8*h + 9*i + 10*j + 11*k + 12*l + 13*m
          + 14*n + 15*o + 16*p + 17*q; }";
    let params =
        [I8, F32, I64, F64, U32, F64, I16, F64, Bool, F32, I64, F64, I64, F64, F64, F64, I32];
    let mut libraries = bind(code, &params, F64);
    let values = [-1., 0.5, 3., 4., 5., 6., -7., 8., 1., 10., 11., 12., 13., 14., 15., 16., -17.];
    let cell = |(param, value): (&CType, &f64)| match param {
        F32 | F64 => value.to_bits(),
        _ => *value as i64 as u64,
    };
    let cells: Vec<u64> = params.iter().zip(&values).map(cell).collect();
    let expected: f64 = values.iter().zip(1..).map(|(v, weight)| v * f64::from(weight)).sum();
    assert_eq!(f64::from_bits(call(&mut libraries, &cells)), expected);
}

#[test]
fn the_stack_stays_aligned_however_much_it_holds() {
    for count in 0..12 {
        let params = vec!["int64_t"; count].join(", ");
        let params = if count == 0 { "void".to_owned() } else { params };
        let code = format!(
            "int64_t f({params}) {{ return (int64_t)((uintptr_t)__builtin_frame_address(0) % 16); }}"
        );
        let mut libraries = bind(&code, &vec![I64; count], I64);
        assert_eq!(ask(&mut libraries, 0, &vec![0; count]), 0, "{count}");
    }
}

#[test]
fn variadic_functions_find_their_floats() {
    let code = "double f(int32_t n, ...) { va_list all; va_start(all, n); double sum = 0;
        while (n--) sum += va_arg(all, double); va_end(all); return sum; }";
    let mut params = vec![F64; 11];
    params[0] = I32;
    let mut libraries = bind(code, &params, F64);
    let mut cells: Vec<u64> = (0..11).map(|i| f64::from(i).to_bits()).collect();
    cells[0] = 10;
    assert_eq!(f64::from_bits(call(&mut libraries, &cells)), 55.0);
}

#[test]
fn texts_must_end_inside_memory() {
    let code = "int64_t f(const char *s) { int64_t n = 0; while (s[n]) n++; return n; }";
    let mut libraries = bind(code, &[Cstr], I64);
    let mut memory = *b"hello\0world";
    assert_eq!(libraries.call(0, &[0], &mut memory), Ok(Some(5)));
    assert_eq!(libraries.call(0, &[5], &mut memory), Ok(Some(0)));
    for address in [6, 10, 11, 12, u64::MAX] {
        let error = error(&mut libraries, &[address], &mut memory);
        assert_eq!(error.code(), Code::OutOfBounds);
        let text = error.to_string();
        assert!(text.contains("argument 1 of `f`") && text.contains("11 bytes"), "{text}");
    }
    // An address that the program may have computed as a negative number, and one byte of memory.
    assert_eq!(
        error(&mut libraries, &[-2i64 as u64], b"x".to_vec().as_mut()).to_string(),
        "argument 1 of `f` is a text at address 18446744073709551614 (-2), outside of 1 byte of memory"
    );
}

#[test]
fn bytes_must_lie_inside_memory_and_can_be_written() {
    let code = "int64_t f(void *p, size_t n, int64_t x)
        { for (size_t i = 0; i < n; i++) ((char *)p)[i] = (char)x; return (int64_t)n; }";
    let mut libraries = bind(code, &[Bytes, I64], I64);
    let mut memory = [0u8; 8];
    assert_eq!(libraries.call(0, &[2, 3, 9], &mut memory), Ok(Some(3)));
    assert_eq!(memory, [0, 0, 9, 9, 9, 0, 0, 0]);
    for address in 0..=8 {
        assert_eq!(libraries.call(0, &[address, 0, 1], &mut memory), Ok(Some(0)));
    }
    for (address, length) in [(0, 9), (8, 1), (9, 0), (u64::MAX, 2), (4, u64::MAX)] {
        let error = error(&mut libraries, &[address, length, 1], &mut memory);
        let CallError::OutOfBounds { address: a, length: l, size: 8, .. } = error else {
            panic!("{error:?}")
        };
        assert_eq!((a, l), (address, length));
    }
    assert_eq!(
        error(&mut libraries, &[8, 1, 1], &mut memory).to_string(),
        "argument 1 of `f` is 1 byte at address 8, outside of 8 bytes of memory"
    );
}

#[test]
fn only_pointers_that_came_from_c_go_back() {
    let lab = Lab::new();
    lab.compile(
        "libf.so",
        "static long box = 42; void *make(void) { return &box; } void *none(void) { return 0; }
         long open(long *p) { return p ? *p : -1; }",
    );
    let make = import("f", "make", &[], Ptr);
    let open = import("f", "open", &[Ptr], I64);
    let mut libraries = lab.bound(&[make, open, import("f", "none", &[], Ptr)]);
    assert_eq!(ask(&mut libraries, 1, &[0]), -1);
    let wild = libraries.call(1, &[0x1000], &mut []).unwrap_err();
    assert_eq!(wild.code(), Code::BadArgument);
    assert!(wild.to_string().contains("argument 1 of `open` is 4096"), "{wild}");
    let address = ask(&mut libraries, 0, &[]);
    assert_eq!(ask(&mut libraries, 1, &[address]), 42);
    assert!(libraries.call(1, &[address as u64 + 1], &mut []).is_err());
    assert_eq!(ask(&mut libraries, 2, &[]), 0);
}

#[test]
fn wrong_numbers_of_cells_and_unbound_slots_are_errors() {
    let mut libraries = bind("int f(int a, int b) { return a + b; }", &[I32, I32], I32);
    for cells in [&[][..], &[1], &[1, 2, 3]] {
        assert_eq!(error(&mut libraries, cells, &mut []).code(), Code::BadArgument);
    }
    assert_eq!(libraries.call(9, &[], &mut []).unwrap_err().code(), Code::SlotUnbound);
    let lab = Lab::new();
    let mut libraries = lab.libraries(&[number("f", "f")]);
    let unbound = libraries.call(0, &[], &mut []).unwrap_err();
    assert_eq!(unbound.to_string(), "slot 7 is not bound: `f` of `f` is not loaded");
}

#[test]
fn libraries_can_move_to_another_thread() {
    fn is_send<T: Send>() {}
    is_send::<Libraries>();
}

#[cfg(all(target_os = "linux", target_env = "gnu"))]
#[test]
fn the_callers_can_be_told_from_inside_a_call() {
    let code = "#include <execinfo.h>\nint64_t f(int64_t a) { void *all[64]; return a + backtrace(all, 64); }";
    let mut libraries = bind(code, &[I64; 9], I64);
    // The test's own frames follow those of the trampoline and the call.
    assert!(ask(&mut libraries, 0, &[0; 9]) > 6);
}
