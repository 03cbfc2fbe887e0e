/* embed: puts the bytes of a file into the program.
 *
 * EMBED("name", "file") between functions: from then on name is their first byte and name_end the one behind the last. The file is
 * a path from the root of the sources, where make runs; the object file must be made again when it changes, which the Makefile
 * says. */
#ifndef DAYBOOK_EMBED_H
#define DAYBOOK_EMBED_H

enum { EMBED_ZEROS = 1 /* bytes behind the last, which are 0 */ };

#define EMBED(name, file)                                                                          \
    __asm__(".section .rodata, \"a\"\n"                                                            \
            ".global " #name ", " #name "_end\n" #name ":\n.incbin \"" file "\"\n" #name "_end:\n" \
            ".byte 0\n.previous\n");                                                               \
    extern const char name[], name##_end[]

#endif
