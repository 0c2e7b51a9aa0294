/* System calls that the Glibc module does not offer. Plain prototypes only: what needs _GNU_SOURCE stays in the .c file. */
#pragma once
#include <stdint.h>
