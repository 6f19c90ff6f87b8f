/* text_ops: functions on the program's own memory.
 *
 *     .lib 0 "text_ops" text_upper (bytes)
 *     .lib 1 "text_ops" text_count (cstr, u8) -> i64
 *
 * A `bytes` parameter is an address and a length on the stack, and arrives here
 * as a pointer and a size. hotvm has checked both, so the bytes are all there.
 * A `cstr` is an address, and is known to end with a zero byte. C types alone do
 * not tell which is which, so HOTVM_FUNCTION does. */
#include <hotvm.h>

HOTVM_VERSION(1)

static bool is_lower(uint8_t c)
{
    return c >= 'a' && c <= 'z';
}

/* Turns the lower-case ASCII letters of a text into capitals, in place. */
HOTVM_FUNCTION(text_upper, "(bytes)", void, (void *text, size_t size))
{
    uint8_t *bytes = text;
    for (size_t i = 0; i < size; i++)
        if (is_lower(bytes[i]))
            bytes[i] -= 'a' - 'A';
}

/* Turns a text around, in place. */
HOTVM_FUNCTION(text_reverse, "(bytes)", void, (void *text, size_t size))
{
    uint8_t *left = text;
    uint8_t *right = left + size;
    while (left < right) {
        uint8_t first = *left;
        *left++ = *--right;
        *right = first;
    }
}

/* How often a byte occurs in a text. */
HOTVM_FUNCTION(text_count, "(cstr, u8) -> i64", int64_t, (const char *text, uint8_t wanted))
{
    int64_t count = 0;
    for (; *text; text++)
        count += (uint8_t)*text == wanted;
    return count;
}

/* Whether a text reads the same from both ends. */
HOTVM_FUNCTION(text_is_palindrome, "(bytes) -> bool", bool, (const void *text, size_t size))
{
    const uint8_t *bytes = text;
    for (size_t i = 0; i < size / 2; i++)
        if (bytes[i] != bytes[size - 1 - i])
            return false;
    return true;
}

/* A hash of the bytes: FNV-1a, 64 bits. */
HOTVM_FUNCTION(text_hash, "(bytes) -> u64", uint64_t, (const void *data, size_t size))
{
    const uint8_t *bytes = data;
    uint64_t hash = UINT64_C(0xcbf29ce484222325);
    for (size_t i = 0; i < size; i++)
        hash = (hash ^ bytes[i]) * UINT64_C(0x100000001b3);
    return hash;
}
