/* Marsaglia's 64-bit xorshift, n times: the upper 53 bits. */
#include <stdint.h>

int64_t run(int64_t n)
{
    uint64_t x = 88172645463325252;
    while (n-- > 0) {
        x ^= x << 13;
        x ^= x >> 7;
        x ^= x << 17;
    }
    return x >> 11;
}
