/* The spectral norm of an infinite matrix, as far as n rows and columns tell: in units of 10^-9. */
#include <stdint.h>

#define MAX 4096

static double element(int i, int j)
{
    return 1.0 / ((i + j) * (i + j + 1) / 2 + i + 1);
}

static void multiply(int n, const double *from, double *to)
{
    for (int i = 0; i < n; i++) {
        double sum = 0;
        for (int j = 0; j < n; j++)
            sum += element(i, j) * from[j];
        to[i] = sum;
    }
}

static void multiply_transposed(int n, const double *from, double *to)
{
    for (int i = 0; i < n; i++) {
        double sum = 0;
        for (int j = 0; j < n; j++)
            sum += element(j, i) * from[j];
        to[i] = sum;
    }
}

static void multiply_both(int n, const double *from, double *to)
{
    static double between[MAX];
    multiply(n, from, between);
    multiply_transposed(n, between, to);
}

int64_t run(int64_t n)
{
    static double u[MAX], v[MAX];
    for (int i = 0; i < n; i++)
        u[i] = 1;
    for (int i = 0; i < 10; i++) {
        multiply_both(n, u, v);
        multiply_both(n, v, u);
    }
    double uv = 0, vv = 0;
    for (int i = 0; i < n; i++) {
        uv += u[i] * v[i];
        vv += v[i] * v[i];
    }
    return __builtin_sqrt(uv / vv) * 1e9;
}
