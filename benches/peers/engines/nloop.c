/* Calls math_add of a shared library n times, through a pointer that the compiler cannot see through. */
#include <dlfcn.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

int64_t run(int64_t n)
{
    void *library = dlopen(getenv("MATH_OPS"), RTLD_NOW);
    if (library == NULL) {
        fprintf(stderr, "%s\n", dlerror());
        exit(1);
    }
    int (*volatile add)(int, int) = dlsym(library, "math_add");
    int sum = 0;
    while (n-- > 0)
        sum = add(sum, 1);
    return sum;
}
