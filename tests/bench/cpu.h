/* cpu: the CPU time that a process has taken. */
#ifndef DAYBOOK_BENCH_CPU_H
#define DAYBOOK_BENCH_CPU_H

#include <sys/resource.h>

/* User and system time, seconds. */
static inline double seconds_of(const struct rusage *usage)
{
    return (double)(usage->ru_utime.tv_sec + usage->ru_stime.tv_sec) +
           (double)(usage->ru_utime.tv_usec + usage->ru_stime.tv_usec) / 1e6;
}

/* The same of all threads. */
static inline double cpu_seconds(void)
{
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    return seconds_of(&usage);
}

#endif
