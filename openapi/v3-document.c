/* The OpenAPI document, as it was compiled in. */
#include "openapi/v3-private.h"

#include "openapi/v3-document.h"

void
elves_v3_document_show (ElvesV3Call *call)
{
  elves_v3_answer (
      call, 200,
      g_string_new_len ((const char *) elves_v3_document, (gssize) sizeof elves_v3_document));
}
