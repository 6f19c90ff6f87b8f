/* How many steps the points of an n by n grid take to leave the Mandelbrot set, at most 100 each. */
#include <stdint.h>

#define LIMIT 100

static int steps(double cr, double ci)
{
    double x = 0, y = 0;
    for (int k = 0; k < LIMIT; k++) {
        double xx = x * x, yy = y * y;
        if (xx + yy > 4.0)
            return k;
        y = 2.0 * x * y + ci;
        x = xx - yy + cr;
    }
    return LIMIT;
}

int64_t run(int64_t n)
{
    int64_t sum = 0;
    double scale = 2.0 / n;
    for (int row = 0; row < n; row++)
        for (int column = 0; column < n; column++)
            sum += steps(column * scale - 1.5, row * scale - 1.0);
    return sum;
}
