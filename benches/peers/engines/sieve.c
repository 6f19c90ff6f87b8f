/* The sieve of Eratosthenes over bytes, again and again: how many primes it finds in all. */
#include <stdint.h>

#define LIMIT 500000

static uint8_t composite[LIMIT];

static int sieve(void)
{
    int primes = 0;
    __builtin_memset(composite, 0, LIMIT);
    for (int n = 2; n < LIMIT; n++) {
        if (composite[n])
            continue;
        primes++;
        for (int64_t multiple = (int64_t)n * n; multiple < LIMIT; multiple += n)
            composite[multiple] = 1;
    }
    return primes;
}

int64_t run(int64_t rounds)
{
    int64_t primes = 0;
    while (rounds-- > 0)
        primes += sieve();
    return primes;
}
