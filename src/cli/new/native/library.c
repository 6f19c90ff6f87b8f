#include <hotvm.h>

/* hotvm builds this file by itself, and again whenever it changes. */

/* The number that follows `n`: its half when it is even, otherwise three times it and one. */
int32_t next_number(int32_t n) {
    return n % 2 == 0 ? n / 2 : 3 * n + 1;
}
