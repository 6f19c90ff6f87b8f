/* A stack machine whose program counts the steps of Collatz' rule for all numbers from n down to 2. */
#include <stdint.h>

enum { HALT, PUSH, LOAD, STORE, ADD, SUB, MUL, HALF, ODD, DUP, JUMP, JUMP_ZERO };
enum { I, X, STEPS, VARIABLES };

/* An instruction and its operand, where it has one, in a byte each. */
static const uint8_t program[] = {
    /*  0 */ LOAD, I,
    /*  2 */ STORE, X,
    /*  4 */ LOAD, X,           /* while x - 1 */
    /*  6 */ PUSH, 1,
    /*  8 */ SUB,
    /*  9 */ JUMP_ZERO, 38,
    /* 11 */ LOAD, X,           /* if x is odd */
    /* 13 */ DUP,
    /* 14 */ ODD,
    /* 15 */ JUMP_ZERO, 25,
    /* 17 */ PUSH, 3,           /* x = x * 3 + 1 */
    /* 19 */ MUL,
    /* 20 */ PUSH, 1,
    /* 22 */ ADD,
    /* 23 */ JUMP, 26,
    /* 25 */ HALF,              /* else x = x / 2 */
    /* 26 */ STORE, X,
    /* 28 */ LOAD, STEPS,       /* steps = steps + 1 */
    /* 30 */ PUSH, 1,
    /* 32 */ ADD,
    /* 33 */ STORE, STEPS,
    /* 35 */ JUMP, 4,
    /* 37 */ HALT,
    /* 38 */ LOAD, I,           /* i = i - 1 */
    /* 40 */ PUSH, 1,
    /* 42 */ SUB,
    /* 43 */ DUP,
    /* 44 */ STORE, I,
    /* 46 */ PUSH, 1,           /* until i - 1 is 0 */
    /* 48 */ SUB,
    /* 49 */ JUMP_ZERO, 37,
    /* 51 */ JUMP, 0,
};

static int64_t variables[VARIABLES], stack[16];

static void execute(const uint8_t *code)
{
    const uint8_t *pc = code;
    int64_t *top = stack - 1;
    for (;;) {
        switch (*pc++) {
        case HALT:
            return;
        case PUSH:
            *++top = *pc++;
            break;
        case LOAD:
            *++top = variables[*pc++];
            break;
        case STORE:
            variables[*pc++] = *top--;
            break;
        case ADD:
            top--;
            top[0] += top[1];
            break;
        case SUB:
            top--;
            top[0] -= top[1];
            break;
        case MUL:
            top--;
            top[0] *= top[1];
            break;
        case HALF:
            top[0] >>= 1;
            break;
        case ODD:
            top[0] &= 1;
            break;
        case DUP:
            top++;
            top[0] = top[-1];
            break;
        case JUMP:
            pc = code + *pc;
            break;
        case JUMP_ZERO:
            pc = *top-- == 0 ? code + *pc : pc + 1;
            break;
        default:
            __builtin_trap();
        }
    }
}

int64_t run(int64_t n)
{
    variables[I] = n;
    execute(program);
    return variables[STEPS];
}
