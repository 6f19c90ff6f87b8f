/* Where an instruction stands that can trap. */

struct place {
    const char *file;
    unsigned line, column;
    const char *function;
};
