/* math_ops: two operations to change while a program runs.
 *
 *     .lib 0 "../native/math_ops.c" math_add (i32, i32) -> i32
 *
 * Run asm-examples/hot_add.vasm with --reload-on-enter, let math_add return
 * a * b instead, and press Enter. */
#include <hotvm.h>

HOTVM_EXPORT int math_add(int a, int b)
{
    return a + b;
}

HOTVM_EXPORT int math_mul(int a, int b)
{
    return a * b;
}

/* What `version N` in a `.lib` line is compared with, and LIB_VERSION reads.
 * HOTVM_VERSION(1) would say the same without running any code. */
HOTVM_EXPORT int get_version(void)
{
    return 1;
}
