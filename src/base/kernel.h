/* kernel.h - how a numeric loop is compiled: once for each instruction set, chosen when the
 * program starts.
 *
 * PH_KERNEL stands before such a function. Its loops are plain C that the compiler turns into
 * vectors; the compiler also makes the copies and the choice between them (target_clones). The
 * product kernels, whose tiles differ between instruction sets, choose for themselves (product.h).
 * Clang makes a global symbol of the choice, even for a static function: kernels of all files have
 * different names (scripts/check-floors.sh looks). PH_NO_CLONES switches the copies off, for sanitizers
 * and for builds with -march.
 */
#ifndef PH_BASE_KERNEL_H
#define PH_BASE_KERNEL_H

#if defined(__x86_64__) && !defined(PH_NO_CLONES)
#define PH_KERNEL __attribute__((target_clones("arch=x86-64-v4", "arch=x86-64-v3", "default")))
#else
#define PH_KERNEL
#endif

#define PH_INLINE static inline __attribute__((always_inline))

#endif
