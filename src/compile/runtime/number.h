/* Numbers as text, as PRINT writes them. */

#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The most bytes that a number takes, with its end. */
enum { NUMBER_SIZE = 32 };

/* A decimal number: 0.d1d2d3... times 10 to the power of `point`. */
struct decimal {
    char digits[20];
    int count;
    int point;
};

/* Whether the decimal is read back as x. */
static bool reads_back(const struct decimal *decimal, double x)
{
    char text[2 * NUMBER_SIZE];
    snprintf(text, sizeof text, "0.%se%d", decimal->digits, decimal->point);
    return strtod(text, NULL) == x;
}

/* Adds one to the last digit. */
static void increment(struct decimal *decimal)
{
    int i = decimal->count - 1;
    while (i >= 0 && decimal->digits[i] == '9')
        decimal->digits[i--] = '0';
    if (i >= 0) {
        decimal->digits[i]++;
        return;
    }
    decimal->digits[0] = '1';
    decimal->point++;
}

/* Whether x lies exactly in the middle between the decimal and the next one above. */
static bool is_tie(const struct decimal *decimal, double x)
{
    /* No double has more digits than these. */
    char text[800];
    snprintf(text, sizeof text, "%.780e", x);
    /* Over the point, so that the digits stand in a row. */
    text[1] = text[0];
    const char *digits = text + 1, *rest = digits + decimal->count;
    return strncmp(digits, decimal->digits, decimal->count) == 0 && rest[0] == '5'
        && rest[1 + strspn(rest + 1, "0")] == 'e';
}

/*
 * The shortest decimal that is read back as x, which is positive and finite. The nearest one with so
 * many digits is it, except where the next one above is as near, and then that; and at a power of two,
 * where the floats above lie twice as far apart as those below, so that the next one above may do when
 * the nearest does not.
 */
static struct decimal shortest(double x)
{
    struct decimal decimal = {0};
    for (int count = 1; count <= 17; count++) {
        char text[NUMBER_SIZE];
        snprintf(text, sizeof text, "%.*e", count - 1, x);
        const char *exponent = strchr(text, 'e');
        decimal.digits[0] = text[0];
        if (count > 1)
            memcpy(decimal.digits + 1, text + 2, count - 1);
        decimal.digits[count] = '\0';
        decimal.count = count;
        decimal.point = atoi(exponent + 1) + 1;
        struct decimal above = decimal;
        increment(&above);
        bool nearest_does = reads_back(&decimal, x), above_does = reads_back(&above, x);
        if (above_does && (!nearest_does || is_tie(&decimal, x)))
            decimal = above;
        if (nearest_does || above_does)
            break;
    }
    while (decimal.count > 1 && decimal.digits[decimal.count - 1] == '0')
        decimal.digits[--decimal.count] = '\0';
    return decimal;
}

/* Writes a float: the shortest text that reads back the same, always with a point or an exponent. */
static int format_f64(char *out, double x)
{
    if (isnan(x))
        return sprintf(out, "nan");
    const char *sign = signbit(x) ? "-" : "";
    x = fabs(x);
    if (isinf(x))
        return sprintf(out, "%sinf", sign);
    if (x == 0)
        return sprintf(out, "%s0.0", sign);
    struct decimal decimal = shortest(x);
    const char *digits = decimal.digits;
    int count = decimal.count, point = decimal.point;
    if (x < 1e-4 || x >= 1e16) {
        const char *dot = count > 1 ? "." : "";
        return sprintf(out, "%s%c%s%se%d", sign, digits[0], dot, digits + 1, point - 1);
    }
    if (point <= 0)
        return sprintf(out, "%s0.%.*s%s", sign, -point, "00000", digits);
    if (count <= point)
        return sprintf(out, "%s%s%.*s.0", sign, digits, point - count, "0000000000000000");
    return sprintf(out, "%s%.*s.%s", sign, point, digits, digits + point);
}
