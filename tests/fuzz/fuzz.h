/* What a fuzz target defines. Linked with libFuzzer it is fuzzed (`make fuzz`); linked with
   replay.c it is a test of `make check`. */
#pragma once

#include <stddef.h>
#include <stdint.h>

/* Takes any bytes; aborts (g_assert) when a promise of the code under test does not hold. Returns
 * 0. */
int LLVMFuzzerTestOneInput (const uint8_t *data, size_t size);
