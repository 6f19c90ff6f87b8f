/* stats: floating-point functions, of scalars and of arrays.
 *
 *     .lib 0 "stats" stats_mean (bytes) -> f64
 *     .lib 1 "stats" hypot3 (f64, f64, f64) -> f64
 *
 * An array of doubles is passed as `bytes`: its address, and its size in bytes.
 * Memory may hold it at any address, so values are copied out, not pointed at;
 * compilers turn the copy into a single load. */
#include <hotvm.h>
#include <math.h>
#include <string.h>

HOTVM_VERSION(1)

static double value_at(const void *values, size_t i)
{
    double value;
    memcpy(&value, (const char *)values + i * sizeof value, sizeof value);
    return value;
}

/* The arithmetic mean of an array; not a number if it is empty. */
HOTVM_EXPORT double stats_mean(const void *values, size_t size)
{
    size_t count = size / sizeof(double);
    double sum = 0;
    for (size_t i = 0; i < count; i++)
        sum += value_at(values, i);
    return count ? sum / (double)count : NAN;
}

/* The variance of an array, seen as the whole population. Welford's method:
 * one pass, and no difference of large numbers. */
HOTVM_EXPORT double stats_variance(const void *values, size_t size)
{
    size_t count = size / sizeof(double);
    double mean = 0, squares = 0;
    for (size_t i = 0; i < count; i++) {
        double value = value_at(values, i);
        double step = value - mean;
        mean += step / (double)(i + 1);
        squares += step * (value - mean);
    }
    return count ? squares / (double)count : NAN;
}

/* The length of a vector. */
HOTVM_EXPORT double hypot3(double x, double y, double z)
{
    return sqrt(x * x + y * y + z * z);
}

/* From `a` at t = 0 to `b` at t = 1 in a straight line; exact at both ends. */
HOTVM_EXPORT double lerp(double a, double b, double t)
{
    return (1 - t) * a + t * b;
}

/* The logistic curve: from 0 over 0.5 at x = 0 to 1. */
HOTVM_EXPORT double logistic(double x)
{
    return 1 / (1 + exp(-x));
}
