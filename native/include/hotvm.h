/* hotvm.h: for C functions that hotvm programs call.
 *
 * A function needs nothing from this header to be called: any C function that
 * is not `static` and takes and returns scalars will do. It is here for
 * libraries that are also built on Windows, and for those that tell their
 * version.
 *
 *     #include <hotvm.h>
 *
 *     HOTVM_VERSION(2)
 *
 *     HOTVM_EXPORT int32_t math_add(int32_t a, int32_t b) { return a + b; }
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

#endif
