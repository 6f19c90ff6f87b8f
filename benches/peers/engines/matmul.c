/* The product of two n by n matrices of small whole numbers: a sum of its elements with weights. */
#include <stdint.h>

#define MAX 1024

static double a[MAX * MAX], b[MAX * MAX], c[MAX * MAX];

int64_t run(int64_t size)
{
    int n = size;
    for (int i = 0; i < n; i++)
        for (int j = 0; j < n; j++) {
            a[i * n + j] = (3 * i + j) % 7 - 3;
            b[i * n + j] = (5 * i + j) % 11 - 5;
        }

    for (int i = 0; i < n; i++)
        for (int k = 0; k < n; k++) {
            double factor = a[i * n + k];
            for (int j = 0; j < n; j++)
                c[i * n + j] += factor * b[k * n + j];
        }

    double sum = 0;
    for (int i = 0; i < n; i++)
        for (int j = 0; j < n; j++)
            sum += c[i * n + j] * (i - j);
    return sum;
}
