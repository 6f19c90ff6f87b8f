/* hotvm.h: for C functions that hotvm programs call.
 *
 * A function needs nothing from this header to be called: any C function that
 * is not `static` and takes and returns scalars will do. It is here for
 * libraries that are also built on Windows, for those that tell their version,
 * and for those that tell how their functions are to be called.
 *
 *     #include <hotvm.h>
 *
 *     HOTVM_VERSION(2)
 *
 *     HOTVM_EXPORT int32_t math_add(int32_t a, int32_t b) { return a + b; }
 *
 *     HOTVM_FUNCTION(shout, "(bytes)", void, (char *text, size_t size))
 *     {
 *         while (size--) ...
 *     }
 */
#ifndef HOTVM_H
#define HOTVM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
#define HOTVM_C extern "C"
#else
#define HOTVM_C extern
#endif

#if defined(_WIN32)
#define HOTVM_VISIBLE __declspec(dllexport)
#elif defined(__GNUC__)
#define HOTVM_VISIBLE __attribute__((visibility("default")))
#else
#define HOTVM_VISIBLE
#endif

/* Before a function: programs can call it, even where the compiler hides
 * functions by default. */
#define HOTVM_EXPORT HOTVM_C HOTVM_VISIBLE

/* Once in a library, outside of functions, with or without a semicolon: its
 * version is `n`, a whole number. A program that says `version 2` in its `.lib`
 * line gets version 2 or an error, and `LIB_VERSION` reads the number.
 *
 * It is a constant and not a function, so that it can be read without running
 * the library. */
#define HOTVM_VERSION(n)                               \
    HOTVM_C HOTVM_VISIBLE const uint32_t hotvm_version; \
    const uint32_t hotvm_version = (n);

/* In the place of a function's first line, or as a line of its own with a
 * semicolon: programs can call it, with this signature. A `.lib` line that says
 * otherwise is an error before anything is called, and `hotvm bind` prints the
 * right one.
 *
 *     HOTVM_FUNCTION(name, "signature", result, (parameters))
 *
 * Of most functions hotvm knows the signature by the debug information of `-g`.
 * This macro tells it in stripped libraries too, and it tells what C types
 * cannot: that a `const char *` is a text (cstr) rather than a host pointer
 * (ptr), and that a pointer and a size are memory of the program (bytes).
 *
 * It declares the function, so a definition with other C types does not compile.
 * That the signature fits the C types is checked where the library has debug
 * information, too. The signature is kept in a section of its own, `.hotvm`; it
 * is read from the file, and takes part in nothing when the library runs. */
#define HOTVM_FUNCTION(name, signature, result, parameters)                   \
    HOTVM_RECORD static const char hotvm_function_##name[] =                  \
        "hotvm function 1\0" #name "\0" signature "\0" #result "\0" #parameters \
        "\0" __FILE__ "\0" HOTVM_TEXT(__LINE__);                              \
    HOTVM_EXPORT result name parameters

#define HOTVM_TEXT(value) HOTVM_TEXT_OF(value)
#define HOTVM_TEXT_OF(value) #value

/* Puts what follows into the section, and keeps compilers and linkers from
 * throwing it away because nothing refers to it. */
#if defined(__APPLE__)
#define HOTVM_RECORD __attribute__((section("__TEXT,__hotvm"), used))
#elif defined(__GNUC__)
#define HOTVM_RECORD __attribute__((section(".hotvm"), used HOTVM_RETAIN))
#elif defined(_MSC_VER)
#pragma section(".hotvm", read)
#define HOTVM_RECORD __declspec(allocate(".hotvm"))
#else
#define HOTVM_RECORD
#endif

#define HOTVM_RETAIN
#if defined(__ELF__) && defined(__has_attribute)
#if __has_attribute(retain)
#undef HOTVM_RETAIN
#define HOTVM_RETAIN , retain
#endif
#endif

#endif
