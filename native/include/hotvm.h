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

/* State across reloads.
 *
 * When a library is replaced, its static variables keep their values: those of
 * numbers, enumerations, and arrays and structures of them, as far as the debug
 * information of `-g` describes both versions. Pointers start afresh, because
 * they may lead into the old version, and one that was set takes the other
 * variables of its function or source file along, which may depend on it. A
 * library whose state has pointers, or changes in ways of its own, keeps it
 * behind one pointer and takes it over itself:
 *
 *     struct game { int score; struct player *first; };
 *
 *     HOTVM_STATE(struct game)
 *
 *     int hotvm_upgrade(uint32_t old_version, const void *old_state, void **new_state)
 *     {
 *         const struct game *old = old_state;
 *         struct game *game = calloc(1, sizeof *game);
 *         if (!game || !old)
 *             return 1;
 *         game->score = old->score;
 *         ...
 *         *new_state = game;
 *         return 0;
 *     }
 *
 * HOTVM_STATE(type), once in a library, outside of functions, with or without a
 * semicolon, defines `type *hotvm_state`. It is null until the library sets it,
 * which the first version does when it needs it. */
#define HOTVM_STATE(type)                     \
    HOTVM_C HOTVM_VISIBLE type *hotvm_state; \
    type *hotvm_state;

/* Called in the new version while no code of the old one runs, before any
 * function of the new one. `old_version` is the old HOTVM_VERSION, 0 if it has
 * none; `old_state` is the old `hotvm_state`, null if there is none, and must
 * not be changed: should the reload fail after this, the old version goes on
 * with it. The old version stays in memory for good, so what its state points
 * to may be shared.
 *
 * 0 means done: `*new_state`, which is `hotvm_state` of the new version until it
 * is set, becomes that. Anything else refuses, and the old version stays in use.
 *
 * A version that defines this function takes over all by itself: its static
 * variables start afresh. */
HOTVM_EXPORT int hotvm_upgrade(uint32_t old_version, const void *old_state, void **new_state);

#endif
